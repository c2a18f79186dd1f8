Feature: Run a plan step by step, with everything visible

  Scenario: Steps run in the order of their dependencies, ties as declared
    Given the plan:
      """
      plan:
        id: order
        steps:
          - {id: roof, depends_on: [walls], run: echo roof >> happened}
          - {id: garden, run: echo garden >> happened}
          - {id: walls, depends_on: [ground], run: echo walls >> happened}
          - {id: ground, run: echo ground >> happened}
          - {id: party, depends_on: [roof, garden], run: echo party >> happened}
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 0
    And what happened is "garden ground walls roof party"

  Scenario: What a person sees, line by line
    Given the approved plan "ticket" of the specs
    And there is a file "mended"
    When I run `fsm run plan.yaml`
    Then it exits with 0
    And there is no error
    And it prints, line by line:
      """
      Run {run}: Move a ticket (3 steps)
      approved by …@… (fsm approve)
      ▶ Step 1: Create the branch - started
      ✓ Step 1: Create the branch - completed
      ▶ Step 2: Move the ticket - started
      ✓ Step 2: Move the ticket - completed
      ▶ Step 3: Tell the team - started
      ✓ Step 3: Tell the team - completed
      ✓ Move a ticket: completed. Run {run}.
      """
    And the journal tells:
      """
      branch started, branch completed
      ticket started, ticket completed
      mail started, mail completed
      """
    And the run is "completed"

  Scenario: A report shows of a very long line both ends, and of a step that printed nothing says so
    Given the plan:
      """
      plan:
        id: lines
        steps:
          - {id: silent, run: exit 1, on_failure: continue}
          - id: long
            run: |
              printf 'began '; head -c 9000 /dev/zero | tr '\0' x; echo ' ended'; exit 1
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 3
    And it prints, line by line:
      """
      ✗ Step 1: silent - failed, tolerated: exit code 1
      output     none
      ✗ Step 2: long - failed: exit code 1
      last output (all of it: fsm log {run} --step long)
      | …x … … more … xxx… ended
      """

  Scenario: What a person sees when a step fails
    Given the plan "ticket" of the specs
    When I run `fsm run plan.yaml --yes`
    Then it exits with 3
    And it prints, line by line:
      """
      ✓ Step 1: Create the branch - completed
      ▶ Step 2: Move the ticket - started
      ✗ Step 2: Move the ticket - failed: exit code 7
      ‖ Move a ticket: paused: 1 step failed. Run {run}.
      ✗ Step 2: Move the ticket - failed: exit code 7
      ran…echo asking the server…
      exit code  7
      last output (all of it: fsm log {run} --step ticket)
      | asking the server
      | no such ticket
      done: 1 Create the branch
      not done: 3 Tell the team
      may have left partial effects: 2 Move the ticket
      What you can do now:
      fsm resume {run}…try 2 Move the ticket again and go on; if another step fails, all is rolled back
      fsm rollback {run}…undo 1 completed step, the last first
      fsm abort {run}…give up; nothing is undone
      """
    And it does not print "Step 3: Tell the team - started"

  Scenario: For programs, every event is a line of JSON, and the report is the last
    Given the plan "ticket" of the specs
    When I run `fsm run plan.yaml --yes --json`
    Then it exits with 3
    And there is no error
    And every line it prints is one JSON document
    And it prints these events, one a line:
      """
      RunCreated
      RunApproved
      RunValidated
      RunStarted
      StepStarted branch
      StepCompleted branch
      StepStarted ticket
      StepFailed ticket
      Report
      """
    And each event has the moment that the journal gives it
    And its JSON has "state" "paused"
    And its JSON has "exit_code" 3
    And its JSON has "run" "{run}"
    And its JSON has "steps.0.exit_code" 0
    And its JSON has "steps.1.step" "ticket"
    And its JSON has "steps.1.state" "failed"
    And its JSON has "steps.1.exit_code" 7
    And its JSON has "partial" ["ticket"]
    And its JSON has "next.0.command" "fsm resume {run}"

  Scenario: What a step puts out, later steps take in
    Given the plan:
      """
      plan:
        id: outputs
        params: {greeting: good morning}
        steps:
          - id: measure
            run: |
              echo "size=42" >> "$FSM_OUTPUT"
              echo "note=two words; \$(touch evil) 'and' \"quotes\"" >> "$FSM_OUTPUT"
          - id: by-argument
            depends_on: measure
            run: [sh, -c, 'printf "%s\n" "$1" "$2" > arguments', sh, "{{ steps.measure.outputs.size }}", "{{ steps.measure.outputs.note }}"]
          - id: by-environment
            depends_on: measure
            env:
              NOTE: "{{ params.greeting }}, {{ steps.measure.outputs.note }}"
            run: printf "%s\n" "$NOTE" > environment
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 0
    And the file "arguments" reads:
      """
      42
      two words; $(touch evil) 'and' "quotes"
      """
    And the file "environment" reads:
      """
      good morning, two words; $(touch evil) 'and' "quotes"
      """
    And there is no file "evil"

  Scenario: A parameter is data, whatever it looks like
    Given the plan:
      """
      plan:
        id: hostile
        params: {title: hello}
        env: {TITLE: "{{ params.title }}"}
        steps:
          - {id: shell, run: 'printf "%s\n" "$TITLE" > by-shell'}
          - {id: list, run: [sh, -c, 'printf "%s\n" "$1" > by-list', sh, "{{ params.title }}"]}
      """
    When I run `fsm run plan.yaml --yes -p 'title="; touch evil; $(touch evil) `touch evil` {{ 7*7 }}'`
    Then it exits with 0
    And the file "by-shell" reads:
      """
      "; touch evil; $(touch evil) `touch evil` {{ 7*7 }}
      """
    And the file "by-list" reads:
      """
      "; touch evil; $(touch evil) `touch evil` {{ 7*7 }}
      """
    And there is no file "evil"

  Scenario: A list is run without a shell, text with one
    Given the plan:
      """
      plan:
        id: shells
        steps:
          - {id: list, run: [touch, "$HOME and *"]}
          - {id: text, run: "echo $((6 * 7)) | tee answer"}
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 0
    And there is a file "$HOME and *"
    And the file "answer" reads "42"

  Scenario: Environment and folder of a step, and what every step may know
    Given the environment has INHERITED=from-the-caller
    And there is a folder "sub"
    And the plan:
      """
      plan:
        id: surroundings
        env: {COLOUR: blue, SIZE: "{{ 6 * 7 }}"}
        steps:
          - id: where
            cwd: sub
            env: {COLOUR: green}
            run: echo "$INHERITED $COLOUR $SIZE $FSM_STEP_ID $FSM_ATTEMPT" > here; echo "$FSM_RUN_ID" > run
          - id: nothing-to-read
            run: cat > read-from-stdin
      """
    When I run `fsm run plan.yaml --yes` with "no step's business" on its stdin
    Then it exits with 0
    And the file "sub/here" reads "from-the-caller green 42 where 1"
    And the file "sub/run" reads "{run}"
    And the file "read-from-stdin" reads ""

  Scenario: All attempts of a step in one run share a key, by which another system can tell them apart from new work
    Given the plan:
      """
      plan:
        id: keys
        steps:
          - id: pay
            retry: {attempts: 2, delay: 10ms}
            run: echo "$FSM_ATTEMPT $FSM_IDEMPOTENCY_KEY" >> keys; test "$FSM_ATTEMPT" = 2
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 0
    And the file "keys" reads "1 {run}:pay 2 {run}:pay"

  Scenario: A step whose condition is false is skipped, and what depends on it goes on
    Given the plan:
      """
      plan:
        id: conditions
        params: {deploy: false}
        steps:
          - {id: probe, run: 'echo "free=12" >> "$FSM_OUTPUT"'}
          - {id: clean, depends_on: probe, if: steps.probe.outputs.free | int < 10, run: echo clean >> happened}
          - {id: deploy, if: params.deploy, run: echo deploy >> happened}
          - {id: report, depends_on: [clean, deploy], run: echo report >> happened}
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 0
    And what happened is "report"
    And it prints "– Step 2: clean - skipped: `if: steps.probe.outputs.free | int < 10` is false"
    And it prints "– Step 3: deploy - skipped"
    And it prints "skipped: 2 clean, 3 deploy"
    And the run is "completed"

  Scenario: A condition that cannot be decided is a failure, never a no
    Given the plan:
      """
      plan:
        id: undecidable
        steps:
          - {id: probe, run: 'echo "free=many" >> "$FSM_OUTPUT"'}
          - {id: clean, depends_on: probe, if: steps.probe.outputs.free, run: echo clean >> happened}
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 3
    And it prints "✗ Step 2: clean - failed: `if: steps.probe.outputs.free`: the condition is neither true nor false but `many`"
    And nothing happened

  Scenario: An output that a step did not give is a failure of the step that wants it
    Given the plan:
      """
      plan:
        id: missing-output
        steps:
          - {id: probe, run: "true"}
          - {id: use, depends_on: probe, run: [touch, "used-{{ steps.probe.outputs.size }}"]}
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 3
    And it prints "✗ Step 2: use - failed: …size…"
    And no file begins with "used-"

  Scenario: What a step prints is kept whole, also what is no text
    Given the plan:
      """
      plan:
        id: output
        steps:
          - {id: speak, run: 'echo to stdout; echo to stderr >&2; printf "\377\000\033[31mred\033]0;title\007\n"; exit 1'}
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 3
    And it prints "| to stdout"
    And it prints "| to stderr"
    And it prints "| \xffred"
    And it prints no control characters
    When I run `fsm log --step speak`
    Then it prints "to stdout"
    And it prints "to stderr"
    And it prints "\xffred"
    And it prints no control characters
    And the log of "speak" has every byte

  Scenario: A step that prints without end does not fill the disk; what is left out is counted
    Given the plan:
      """
      plan:
        id: verbose
        steps:
          - {id: speak, run: "echo the beginning; yes | head -c 30000000; echo the end; exit 1"}
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 3
    And it prints "| the end"
    And the files of the state are smaller than 11 MB together
    When I run `fsm log --step speak`
    Then it prints "the beginning"
    And it prints "[fsm] … … bytes left out …"
    And it prints "the end"

  Scenario: A step that is killed from outside has failed, and says by what
    Given the plan:
      """
      plan:
        id: killed
        steps:
          - {id: gone, run: "kill -9 $$"}
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 3
    And it prints "✗ Step 1: gone - failed: killed by SIGKILL"
    And it does not print "exit code  -9"

  Scenario: A step that closes its output and goes on is waited for
    Given the plan:
      """
      plan:
        id: silent
        steps:
          - {id: silent, run: "exec > /dev/null 2>&1; timed silent"}
          - {id: next, depends_on: silent, run: timed next}
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 0
    And "silent" had ended when "next" began

  Scenario: A command that is not there is found before anything runs
    Given the plan:
      """
      plan:
        id: missing
        steps:
          - {id: one, run: echo one >> happened}
          - {id: two, run: [no-such-command]}
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 2
    And the error says "step `two`: …no-such-command…"
    And nothing happened

  Scenario: A variable that the plan needs from its caller is asked for before anything runs
    Given the plan:
      """
      plan:
        id: needs
        env: {REGION: }
        steps:
          - {id: one, run: echo "$REGION" >> happened}
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 2
    And the error says "the environment variable REGION is not set"
    And nothing happened
    Given the environment has REGION=eu
    When I run `fsm run plan.yaml --yes`
    Then it exits with 0
    And what happened is "eu"

  Scenario: A command that disappears meanwhile is a failed step, not a crash
    Given the file "tool":
      """
      #!/bin/sh
      echo tool >> happened
      """
    And the file "tool" may be executed
    And the plan:
      """
      plan:
        id: vanishing
        steps:
          - {id: remove, run: rm tool}
          - {id: use, depends_on: remove, run: [./tool]}
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 3
    And it prints "✗ Step 2: use - failed: …No such file or directory…"

  Scenario: A dry run that fails keeps the plan from running
    Given the plan:
      """
      plan:
        id: rehearsal
        steps:
          - {id: one, run: echo one >> happened}
          - {id: two, run: echo two >> happened, dry_run: "echo the server says no; exit 4"}
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 2
    And the error says "step `two`, dry_run: …4…: the server says no"
    And nothing happened

  Scenario: On success the working state is cleared and the history kept
    Given the plan "ticket" of the specs
    And the plan says "checkpoint_interval: 1"
    When I run `fsm run plan.yaml --yes`
    And I run `fsm recover --list`
    Then it prints "to be run again from here: ticket"
    When I make the file "mended"
    And I run `fsm resume`
    Then it exits with 0
    And nobody else may read the state folder or anything in it
    When I run `fsm recover --list`
    Then it prints "no checkpoint of run {run} is kept"
    When I run `fsm status --json`
    Then its JSON has "held_by" null
    And its JSON has "state" "completed"
    When I run `fsm log`
    Then it exits with 0
    And it prints "✓ Step 3: Tell the team - completed"
    When I run `fsm run plan.yaml --yes`
    Then it exits with 0

  Scenario: Taken up from elsewhere, a run goes on in the folder where it began
    Given the plan "ticket" of the specs
    And I have run `fsm run plan.yaml --yes`
    And there is a file "mended"
    And there is a folder "elsewhere"
    When I run `fsm resume --state sqlite:../.fsm/state.db` in the folder "elsewhere"
    Then it exits with 0
    And what happened is "branch ticket mail"

  Scenario: A run whose folder is gone goes on, and is rolled back, once it is put back: nothing fails for that
    Given the plan:
      """
      plan:
        id: unmounted
        steps:
          - {id: a, run: echo a >> ../happened, rollback: echo -a >> ../happened}
          - {id: leave, run: 'rmdir "$PWD"; exit 1'}
      """
    And I have run `fsm approve plan.yaml`
    And there is a folder "disk"
    When I run `fsm run ../plan.yaml --yes` in the folder "disk"
    Then it exits with 3
    When I note the journal
    And I run `fsm resume`
    Then it exits with 2
    And the error says "the folder in which run {run} works is not there: …/disk"
    And the error says "nothing was started; put it back, or mount it"
    When I run `fsm rollback`
    Then it exits with 2
    And the journal is as it was
    When I make the folder "disk"
    And I run `fsm rollback`
    Then it exits with 4
    And what happened is "a -a"

  Scenario: From a folder below, the state above is found; new steps work where the command is given
    Given the plan "ticket" of the specs
    And I have run `fsm run plan.yaml --yes`
    And there is a folder "a/b"
    When I run `fsm status` in the folder "a/b"
    Then it exits with 0
    And it prints "✗ 2  Move the ticket  failed"
    When I run `fsm list` in the folder "a"
    Then it prints "{run}  paused"
    When I make the file "mended"
    And I run `fsm resume` in the folder "a/b"
    Then it exits with 0
    And what happened is "branch ticket mail"
    When I run `fsm run ../plan.yaml --yes` in the folder "a"
    Then it exits with 3
    And the file "a/happened" reads "branch"
    And there is no file "a/.fsm"
    When I run `fsm status --json`
    Then its JSON has "run" "{run}"
    And its JSON has "state" "paused"

  Scenario: The nearest state counts, and where there is none above it is made
    Given the plan "ticket" of the specs
    And there is a folder "a/b"
    And there is a folder "c"
    When I run `fsm run ../plan.yaml --yes` in the folder "a"
    And I run `fsm run plan.yaml --yes`
    And I run `fsm run ../../plan.yaml --new --yes` in the folder "a/b"
    Then it exits with 3
    And the file "a/b/happened" reads "branch"
    And there is no file "a/b/.fsm"
    When I run `fsm run ../plan.yaml --yes --state sqlite:.fsm/state.db` in the folder "c"
    Then there is a file "c/.fsm/state.db"

  Scenario Outline: A state above is not that of who asks below if it <is>
    Given the plan "ticket" of the specs
    And I have run `fsm run plan.yaml --yes`
    And there is a folder "a"
    When the state folder <is>
    And I run `fsm status` in the folder "a"
    Then it exits with 6
    And the error says "no run is recorded in sqlite:.fsm/state.db"

    Examples:
      | is                    |
      | is in the home folder |
      | is a symbolic link    |

  Scenario: On a terminal there is a live line with what is in flight, and colours
    Given the plan:
      """
      plan:
        id: live
        steps:
          - {id: one, name: First thing, run: "sleep 0.6"}
          - {id: two, name: Second thing, run: "true"}
      """
    When I run `fsm run plan.yaml --yes` on a terminal
    Then it exits with 0
    And it prints "First thing 0s   [0/2]"
    And it prints "Step 1: First thing - completed"
    And what it prints is coloured

  Scenario: NO_COLOR is honoured
    Given the environment has NO_COLOR=1
    And the plan "ticket" of the specs
    When I run `fsm run plan.yaml --yes` on a terminal
    Then it exits with 3
    And it prints "Step 1: Create the branch - completed"
    And nothing it prints is coloured
