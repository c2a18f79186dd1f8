# One effect of a step on the ledger `effects` in the working folder: effect.sh BEGUN DONE
#
# `looking` exits with 0 if the effect of the step is there, with 1 if it is not. A file `arm.VERB.STEP`
# has the runner killed by this very step, just after it wrote VERB: what follows only the shim sees, which
# is the parent of the step and the child of the runner.
wrote() {
    echo "$1 $FSM_STEP_ID $FSM_ATTEMPT -1" >> effects
    if [ -e "arm.$1.$FSM_STEP_ID" ]; then
        runner=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$PPID/status")
        echo "step:$1:$FSM_STEP_ID 1 $runner" > crossed
        sync crossed
        rm "arm.$1.$FSM_STEP_ID"
        kill -9 "$runner"
    fi
}
wrote "$1"
if [ "$1" = looking ]; then
    wrote "$2"
    did=$(grep -c "^did $FSM_STEP_ID " effects)
    undid=$(grep -c "^undid $FSM_STEP_ID " effects)
    [ "$did" -gt "$undid" ]
else
    wrote "$2"
fi
