Feature: Past runs: what they tell together, and keeping, moving and forgetting them

  Rule: The list

    Scenario: The list has the newest 20 runs and all that are unfinished; --all has every run
      Given the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes --json`
      And I note the "run" of its last line as "unfinished"
      And there is a file "mended"
      And I have run `fsm run plan.yaml --yes --new`
      And 21 copies of the newest run are stored
      When I run `fsm list`
      Then it exits with 0
      And it lists 21 runs
      And it prints "{unfinished}  paused"
      And it prints "and 2 finished before; list all with: fsm list --all"
      When I run `fsm list --all`
      Then it lists 23 runs
      And it does not print "finished before"
      When I run `fsm list --json`
      Then it prints one JSON document and nothing else
      And its JSON has "not_listed" 2
      And its JSON has "runs.20.run" "{unfinished}"
      When I run `fsm list --all --json`
      Then its JSON has "not_listed" 0
      And its JSON has "runs.22.run" "{unfinished}"

    Scenario: A run whose process died is not listed as one that goes on, and the next move is named
      Given the plan "held" of the specs
      When I start `fsm run plan.yaml --yes`
      And "middle" has begun
      And I run `fsm list`
      Then it prints, line by line:
        """
        RUN…STATE…PLAN…LAST CHANGE
        {run}  running  held  20…
        """
      And it does not print "died"
      When its runner is killed by kill -9
      And what "middle" left running is killed
      And I run `fsm list`
      Then it exits with 0
      And it prints, line by line:
        """
        RUN…STATE…PLAN…LAST CHANGE
        {run}  running, its process died  held  20…
        what can be done now: fsm status {run}
        """
      When I run `fsm list --json`
      Then its JSON has "runs.0.state" "running"
      And its JSON has "runs.0.process_died" true
      When I run `fsm status`
      Then it prints "its process died while it was running"

  Rule: The history of one plan

    Scenario: Who ran it, when, for how long, and how it ended; the newest first
      Given the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes`
      And I have run `fsm rollback --reason "the wrong ticket"`
      And I have run `fsm run plan.yaml --yes`
      And I have run `fsm abort --reason "no longer wanted"`
      And I have run `fsm run plan.yaml --yes`
      And there is a file "mended"
      And I have run `fsm resume`
      And I have run `fsm run plan.yaml --yes`
      When I run `fsm history ticket`
      Then it exits with 0
      And it prints, line by line:
        """
        RUN…STATE…STARTED…TOOK…✓  ✗  ↶  ↻
        {run}  completed    20…-…-… …:…  3  0  0  0
        by …@…
        …  completed    20…  3  0  0  0
        by …@…; after 1 resume
        …  failed       20…  1  1  0  0
        by …@…; given up by …@…: no longer wanted
        …  rolled_back  20…  0  1  1  0
        by …@…; asked by …@…: the wrong ticket
        ✓ steps done  ✗ failed  ↶ undone  ↻ retries
        """
      And no line it prints is wider than 80 characters

    Scenario: A paused run names what failed, and retries are counted
      Given the plan "ticket" of the specs
      And its step "ticket" has "retry: {attempts: 3, delay: 1ms}"
      And I have run `fsm run plan.yaml --yes`
      When I run `fsm history ticket --json`
      Then it prints one JSON document and nothing else
      And its JSON has "plan" "ticket"
      And its JSON has "runs.0.run" "{run}"
      And its JSON has "runs.0.state" "paused"
      And its JSON has "runs.0.done" 1
      And its JSON has "runs.0.failed" 1
      And its JSON has "runs.0.undone" 0
      And its JSON has "runs.0.retries" 2
      And its JSON has "runs.0.ending" "step `ticket` failed: exit code 7"

    Scenario: A plan is named by its id or by its file; other plans' runs are not listed
      Given the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes`
      And the plan "held" of the specs
      When I run `fsm history plan.yaml`
      Then it exits with 0
      And it prints exactly:
        """
        no run of plan held yet; start one with: fsm run plan.yaml
        """
      When I run `fsm history ticket`
      Then it prints "{run}  paused"

    Scenario: A run under way, and one whose process died
      Given the plan "held" of the specs
      When I start `fsm run plan.yaml --yes`
      And "middle" has begun
      And I run `fsm history held`
      Then it prints "{run}  running"
      And it prints "; a process drives it"
      When its runner is killed by kill -9
      And what "middle" left running is killed
      And I run `fsm history held`
      Then it prints "; its process died"
      When I run `fsm stats`
      Then it prints "? 1 run whose process died; which: fsm list"

    Scenario Outline: Of a name that is neither a plan nor a file, `<command>` says so
      Given the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes`
      When I run `<command>`
      Then it exits with 2
      And the error says "no plan `tiket` has run here, and there is no such file; did you mean `ticket`?"

      Examples:
        | command                     |
        | fsm history tiket           |
        | fsm stats tiket             |
        | fsm prune --keep 0 --plan tiket |

    Scenario: A file that is no plan is refused as by every other command
      Given the file "plan.yaml":
        """
        plan: {id: x}
        """
      When I run `fsm history plan.yaml`
      Then it exits with 2
      And the error says "plan.yaml:1:"

    Scenario: A damaged run is named, left out, and makes the command exit with 7
      Given the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes`
      And I have run `fsm abort`
      And I have run `fsm run plan.yaml --yes`
      When somebody changes "no such ticket" to "no such thing" in the journal
      And I run `fsm history ticket`
      Then it exits with 7
      And the error says "left out: …the journal of run {run} is damaged: record 8 (StepFailed) was altered"
      When I run `fsm stats --json`
      Then it exits with 7
      And its JSON has "runs" 0

  Rule: Statistics

    Scenario: How often runs succeed and recover, and what their steps take, fail and retry
      Given the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes`
      And I have run `fsm rollback`
      And I have run `fsm run plan.yaml --yes`
      And there is a file "mended"
      And I have run `fsm resume`
      And I have run `fsm run plan.yaml --yes`
      When I run `fsm stats`
      Then it exits with 0
      And it prints, line by line:
        """
        3 runs: 2 completed, 1 rolled back
        success    67%   2 completed of 3 ended
        recovery   50%   1 completed of 2 failed, paused or interrupted
        most frequent error (2 times): ticket: exit code 7
        STEP    ATTEMPTS  RETRIES  FAILURES  MEDIAN…95%  MOST FREQUENT ERROR
        branch         3        0         0…
        ticket         4        0         2…exit code 7
        mail           2        0         0…
        """
      When I run `fsm stats ticket --json`
      Then it prints one JSON document and nothing else
      And its JSON has "plan" "ticket"
      And its JSON has "states" {"completed": 2, "rolled_back": 1}
      And its JSON has "recovery_rate" 0.5
      And its JSON has "steps.1.step" "ticket"
      And its JSON has "steps.1.failures" 2
      And its JSON has "most_frequent_error.error" "exit code 7"

    Scenario: Without runs there is nothing to tell, and it says so
      Given the plan "ticket" of the specs
      When I run `fsm stats`
      Then it exits with 0
      And it prints exactly:
        """
        no runs yet; start one with: fsm run PLAN
        """
      When I run `fsm stats plan.yaml`
      Then it prints "no runs of plan ticket yet; start one with: fsm run plan.yaml"
      When I run `fsm stats --json`
      Then its JSON has "runs" 0
      And its JSON has "success_rate" null
      And the folder holds only "plan.yaml"

  Rule: Forgetting

    Scenario: Finished runs go with their logs; the newest and the unfinished stay
      Given the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes --json`
      And I note the "run" of its last line as "oldest"
      And I have run `fsm rollback`
      And I have run `fsm run plan.yaml --yes --json`
      And I note the "run" of its last line as "older"
      And I have run `fsm abort`
      And I have run `fsm run plan.yaml --yes`
      When I run `fsm prune --keep 1 --dry-run`
      Then it exits with 0
      And it prints "would remove 1 run with their logs:"
      And there is a file ".fsm/logs/{oldest}/ticket.1.log"
      When I run `fsm prune --keep 1 --yes`
      Then it exits with 0
      And it prints, line by line:
        """
        ✓ removed 1 run with their logs:
        {oldest}  rolled_back  20…  ticket
        kept 2 runs:
        unfinished (paused): {run}
        among the newest 1 finished of its plan: {older}
        """
      And there is no file ".fsm/logs/{oldest}"
      And there is a file ".fsm/logs/{older}/ticket.1.log"
      When I run `fsm status {oldest}`
      Then it exits with 2
      When I run `fsm prune --keep 1 --yes`
      Then it exits with 0
      And it prints "nothing to remove"

    Scenario: By age, and only of one plan
      Given the plan "ticket" of the specs
      And there is a file "mended"
      And I have run `fsm run plan.yaml --yes`
      When I run `fsm prune --older-than 30d --yes`
      Then it prints "ended within 30d: {run}"
      When I run `fsm prune --older-than 0s --plan plan.yaml --yes --json`
      Then it prints one JSON document and nothing else
      And its JSON has "removed.0.plan" "ticket"
      And its JSON has "kept" []
      When I run `fsm list`
      Then it prints "no runs yet"

    Scenario: On a terminal it asks
      Given the plan "ticket" of the specs
      And there is a file "mended"
      And I have run `fsm run plan.yaml --yes`
      When I run `fsm prune --keep 0` on a terminal and answer "n"
      Then it exits with 6
      And it prints "not confirmed; nothing was removed"
      And the journal has 1 runs
      When I run `fsm prune --keep 0` on a terminal and answer "y"
      Then it exits with 0
      And it prints "removed 1 run"

    Scenario: Where nobody can be asked, it must be told
      Given the plan "ticket" of the specs
      And there is a file "mended"
      And I have run `fsm run plan.yaml --yes`
      When I run `fsm prune --keep 0`
      Then it exits with 6
      And the error says "nothing was removed"
      And the error says "look with --dry-run, then say --yes"
      And the journal has 1 runs

    Scenario: A run that a process holds stays, even one that had ended
      Given the plan:
        """
        plan:
          id: back
          steps:
            - id: first
              run: echo first >> happened
              rollback: {run: hold back}
        """
      And I have run `fsm run plan.yaml --yes`
      When I start `fsm rollback`
      And "back" has begun
      And I run `fsm prune --keep 0 --yes`
      Then it exits with 0
      And it prints "unfinished (rolling_back): {run}"
      When I let "back" end
      And it ends
      Then it exits with 4

    Scenario Outline: `<command>` is refused: it <why>
      When I run `<command>`
      Then it exits with 2
      And the error says "<message>"

      Examples:
        | command                        | why               | message                                     |
        | fsm prune                      | says nothing      | nothing says which runs to remove; give --keep N, --older-than DURATION or both |
        | fsm prune --keep -1            | keeps less than 0 | --keep                                      |
        | fsm prune --keep many          | keeps no number   | --keep                                      |
        | fsm prune --older-than 30      | has no unit       | --older-than: '30' has no unit; write a duration such as 30d or 12h |
        | fsm prune --older-than soon    | is no duration    | --older-than: 'soon' is not a duration      |
        | fsm prune --older-than 400d    | is too long       | --older-than: 400d is not between 0s and 366d |

    Scenario: A run whose journal is damaged stays, until somebody names it
      Given the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes`
      When somebody changes "no such ticket" to "no such thing" in the journal
      And I run `fsm abort`
      Then it exits with 7
      And the error says "or, to do without this run for good: fsm prune --damaged {run}"
      When I run `fsm prune --keep 0 --yes`
      Then it prints "unfinished (paused): {run}"
      When I run `fsm prune --damaged {run}`
      Then it exits with 6
      And it prints "✗ …: the journal of run {run} is damaged: record 8 (StepFailed) was altered"
      And the error says "nothing was removed"
      When I run `fsm prune --damaged {run} --dry-run`
      Then it exits with 0
      And it prints "would remove 1 run with their logs:"
      And the journal has 1 runs
      When I run `fsm prune --damaged {run} --yes`
      Then it exits with 0
      And it prints "✓ removed 1 run with their logs:"
      When I run `fsm list`
      Then it prints "no runs yet"
      When I run `fsm run plan.yaml --yes`
      Then it exits with 3
      When I run `fsm prune --damaged {run} --yes`
      Then it exits with 6
      And the error says "the journal of run {run} is whole, and the run is paused"
      And the journal has 1 runs
      When I run `fsm prune --damaged {run} --keep 1`
      Then it exits with 2
      And the error says "--damaged removes the one run that it names"

    Scenario: A link where the logs should be is not followed, and the run stays
      Given the plan "ticket" of the specs
      And there is a file "mended"
      And I have run `fsm run plan.yaml --yes`
      When the logs of the run are moved to "elsewhere" and linked
      And I run `fsm prune --keep 0 --yes`
      Then it exits with 6
      And the error says "kept: …/.fsm/logs/{run} is a symbolic link: nothing behind it is removed"
      And there is a file "elsewhere/ticket.1.log"
      And the journal has 1 runs

  Rule: Moving

    Scenario: A finished run is copied to another store, its journal and its plan intact
      Given the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes`
      And I have run `fsm rollback`
      When I run `fsm export --json`
      Then it exits with 0
      And it prints one JSON document and nothing else
      And its JSON has "file" "{run}.fsm.json"
      And nobody else may read the file "{run}.fsm.json"
      When I note the "hash" it prints as "hash"
      And I run `fsm import {run}.fsm.json --state sqlite:other/state.db --json`
      Then it exits with 0
      And the "hash" it prints is still hash
      When I run `fsm log {run}`
      And I run `fsm log {run} --state sqlite:other/state.db`
      Then they print the same
      When I run `fsm export --state sqlite:other/state.db -o again.json`
      Then the files "{run}.fsm.json" and "again.json" are equal

    Scenario: An unfinished run is not copied but moved: here it is aborted, there it goes on
      Given the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes`
      When I run `fsm export -o run.json`
      Then it exits with 6
      And the error says "run {run} is paused: with a copy, two places could go on with it"
      And the error says "fsm export {run} --move"
      And there is no file "run.json"
      When I run `fsm export --move -o run.json`
      Then it exits with 0
      And it prints "here it is aborted; where it is imported it can go on: import it once only"
      And the run is "failed"
      When I run `fsm status`
      Then it prints "aborted (moved to …/run.json)"
      When I run `fsm import run.json --state sqlite:other/state.db`
      Then it prints "✓ run {run} of plan ticket is now in sqlite:other/state.db: paused"
      And it prints "it must go on nowhere else"
      When I make the file "mended"
      And I run `fsm resume --state sqlite:other/state.db`
      Then it exits with 0
      And what happened is "branch ticket mail"

    Scenario: A run whose process died moves, with what is unknown; one that is driven does not move
      Given the plan "held" of the specs
      When I start `fsm run plan.yaml --yes`
      And "middle" has begun
      And I run `fsm export --move -o run.json`
      Then it exits with 6
      And the error says "run {run} is held by another process (pid {runner})"
      And there is no file "run.json"
      When its runner is killed by kill -9
      And what "middle" left running is killed
      And I run `fsm export --move -o run.json`
      Then it exits with 0
      When I run `fsm import run.json --state sqlite:other/state.db`
      And I run `fsm status --state sqlite:other/state.db`
      Then it prints "‖ Three steps: paused: 1 step in an unknown state."
      When I run `fsm resume --done middle --state sqlite:other/state.db`
      Then it exits with 0
      And what happened is "first last"

    Scenario: Over a pipe
      Given the plan "ticket" of the specs
      And there is a file "mended"
      And I have run `fsm run plan.yaml --yes`
      When I run `fsm export -o -`
      Then it exits with 0
      And it prints one JSON document and nothing else
      And its JSON has "fsm_export" 1
      When I run `fsm import - --state sqlite:other/state.db` with what was printed on its stdin
      Then it exits with 0
      And it prints "✓ run {run} of plan ticket is now in sqlite:other/state.db: completed"

    Scenario: Nothing is overwritten, and what is there already is not taken over
      Given the plan "ticket" of the specs
      And there is a file "mended"
      And I have run `fsm run plan.yaml --yes`
      And I have run `fsm export -o run.json`
      When I run `fsm export -o run.json`
      Then it exits with 6
      And the error says "there is a run.json already; it is not overwritten"
      When I run `fsm import run.json`
      Then it exits with 6
      And the error says "there is a run {run} already"

    Scenario: Beside an unfinished run of the same plan only with --new
      Given the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes`
      And I have run `fsm export --move -o run.json`
      And I have run `fsm run plan.yaml --yes --state sqlite:other/state.db`
      When I run `fsm import run.json --state sqlite:other/state.db`
      Then it exits with 6
      And the error says "plan ticket has an unfinished run"
      When I run `fsm import run.json --state sqlite:other/state.db --new`
      Then it exits with 0

    Scenario Outline: An export that <is> is refused
      Given the plan "ticket" of the specs
      And there is a file "mended"
      And I have run `fsm run plan.yaml --yes`
      And I have run `fsm export -o run.json`
      When "<old>" is changed to "<new>" in the file "run.json"
      And I run `fsm import run.json --state sqlite:other/state.db`
      Then it exits with <code>
      And the error says "<message>"
      And there is no file "other"

      Examples:
        | is                 | old              | new              | code | message                                     |
        | was altered        | StepCompleted    | StepFailed       | 7    | run.json was cut short or altered after it was written |
        | has another plan   | echo branch      | echo poison      | 7    | run.json was cut short or altered after it was written |
        | a newer fsm wrote  | {"fsm_export":1  | {"fsm_export":2  | 7    | run.json is an export of version 2; this fsm knows version 1 |
        | is of another kind | {"fsm_export":1  | {"other":1       | 2    | run.json is no export of fsm; make one with: fsm export RUN |

    Scenario Outline: `<command>` is refused in words
      Given the plan "ticket" of the specs
      And there is a file "mended"
      And I have run `fsm run plan.yaml --yes`
      When I run `<command>`
      Then it exits with <code>
      And the error says "<message>"

      Examples:
        | command                         | code | message                                         |
        | fsm import plan.yaml            | 2    | plan.yaml is no export of fsm                   |
        | fsm import nowhere              | 2    | cannot read nowhere: No such file or directory  |
        | fsm import .                    | 2    | cannot read .: Is a directory                   |
        | fsm import /dev/zero            | 2    | /dev/zero  is a device, not a file                   |
        | fsm export nowhere              | 2    | there is no run `nowhere`                       |
        | fsm export -o no/where.json     | 2    | cannot write no/where.json: No such file or directory |
        | fsm export --move               | 6    | is completed: there is nothing to go on with elsewhere |
        | fsm export --move -o -          | 2    | --move needs a file; what reads stdout may lose the run |

    Scenario: A secret that a step printed is in no export
      Given the plan:
        """
        plan:
          id: secretive
          secrets: [TOKEN]
          steps:
            - id: login
              run: echo "logged in with $TOKEN" && exit 3
        """
      And the environment has TOKEN=hunter2hunter2
      And I have run `fsm run plan.yaml --yes`
      When I run `fsm export --move -o run.json`
      Then it exits with 0
      And no file below holds "hunter2hunter2"
