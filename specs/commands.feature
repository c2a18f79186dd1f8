Feature: The commands that look at runs, and those that settle them

  Rule: Looking

    Scenario: Status tells what is done, what is not, and what can be done now
      Given the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes`
      When I run `fsm status`
      Then it exits with 0
      And it prints, line by line:
        """
        ✓ 1  Create the branch  completed
        ✗ 2  Move the ticket  failed
        · 3  Tell the team  pending
        ‖ Move a ticket: paused: 1 step failed. Run {run}.
        ✗ Step 2: Move the ticket - failed: …
        done: 1 Create the branch
        not done: 3 Tell the team
        What you can do now:
        fsm resume {run}…
        """

    Scenario: While a run goes on, status shows what is in flight
      Given the plan "held" of the specs
      When I start `fsm run plan.yaml --yes`
      And "middle" has begun
      And I run `fsm status --json`
      Then it exits with 0
      And its JSON has "state" "running"
      And its JSON has "steps.1.state" "running"
      And its JSON has "held_by" {runner}
      When I let "middle" end
      And it ends
      Then it exits with 0

    Scenario: The log is the journal in words, record by record
      Given the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes`
      When I run `fsm log`
      Then it exits with 0
      And it prints, line by line:
        """
        1  20…-…-… …:…:…  Run {run}: Move a ticket (3 steps)
        2  20…  approved by …@… (--yes)
        3  20…  validated
        4  20…  started
        5  20…  ▶ Step 1: Create the branch - started
        6  20…  ✓ Step 1: Create the branch - completed
        7  20…  ▶ Step 2: Move the ticket - started
        8  20…  ✗ Step 2: Move the ticket - failed: …
        """

    Scenario: For programs the log has every field, and the chain of hashes
      Given the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes`
      When I run `fsm log --json`
      Then it exits with 0
      And it prints one JSON document and nothing else
      And its JSON has "records.4.seq" 5
      And its JSON has "records.4.event" "StepStarted"
      And its JSON has "records.4.data.step" "branch"
      And its JSON has "records.7.data.exit_code" 7
      And every record of its JSON has a hash of its own

    Scenario: What a step printed, attempt by attempt
      Given the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes`
      And I have run `fsm resume`
      When I run `fsm log --step ticket`
      Then it exits with 0
      And it prints, line by line:
        """
        == ticket.1.log
        asking the server
        no such ticket
        == ticket.2.log
        asking the server
        no such ticket
        """
      When I run `fsm log --step mail`
      Then it prints "no output of step mail is kept"

    Scenario: The list of runs, the newest first
      Given the plan "ticket" of the specs
      When I run `fsm list`
      Then it prints "no runs yet; start one with: fsm run PLAN"
      When I run `fsm run plan.yaml --yes --json`
      And I note the "run" of its last line as "older"
      And I make the file "mended"
      And I run `fsm run plan.yaml --new --yes`
      And I run `fsm list`
      Then it exits with 0
      And it prints, line by line:
        """
        RUN…STATE…PLAN…LAST CHANGE
        {run}  completed  ticket  20…
        {older}  paused     ticket  20…
        """

    Scenario: A run may be named by the beginning or the end of its id; without a name it is the newest
      Given the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes --json`
      And I note the "run" of its last line as "older"
      And there is a file "mended"
      And I have run `fsm run plan.yaml --new --yes`
      When I run `fsm status`
      Then it prints "Run {run}"
      When I run `fsm status {older}`
      Then it prints "Run {older}"
      When I run `fsm status 20`
      Then it exits with 2
      And the error says "several runs fit `20`"
      And the error says "{older}"

    Scenario: State may live elsewhere, and the commands that are named say where
      Given the plan "ticket" of the specs
      When I run `fsm run plan.yaml --yes --state sqlite:other/runs.db`
      Then it exits with 3
      And it prints "fsm resume … --state sqlite:other/runs.db"
      And there is no file ".fsm"
      And there is a file "other/logs"
      When I run `fsm status --state sqlite:other/runs.db`
      Then it exits with 0
      Given the environment has FSM_STATE=sqlite:other/runs.db
      When I run `fsm status`
      Then it exits with 0

  Rule: Settling

    Scenario: A person did a step by hand
      Given the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes`
      When I run `fsm mark ticket done --reason "moved it in the browser"`
      Then it exits with 0
      And it prints "✎ Step 2: Move the ticket - marked done by …@…: moved it in the browser"
      When I run `fsm status`
      Then it prints "✓ 2  Move the ticket  completed…marked done by …"
      When I run `fsm resume`
      Then it exits with 0
      And what happened is "branch mail"
      And the journal gives "reason" of "StepMarked" as "moved it in the browser"

    Scenario: A person undid a step by hand: it is not undone again
      Given the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes`
      When I run `fsm mark branch undone --reason "deleted it"`
      Then it exits with 0
      When I run `fsm rollback`
      Then it exits with 4
      And what happened is "branch"

    Scenario: Giving up a paused run
      Given the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes`
      When I run `fsm abort --reason "no longer wanted"`
      Then it exits with 0
      And it prints "✗ Move a ticket: aborted (no longer wanted); nothing was undone. Run {run}."
      And the run is "failed"
      And what happened is "branch"
      When I run `fsm log`
      Then it prints "Run {run}: aborting by …@… (no longer wanted)"
      When I run `fsm abort`
      Then it exits with 6
      When I run `fsm resume`
      Then it exits with 6
      And the error says "run {run} is failed: `resume` is refused"

    Scenario: Giving up a run that a living process drives: it is stopped first
      Given the plan "held" of the specs
      When I start `fsm run plan.yaml --yes --grace 1h`
      And "middle" has begun
      And I run `fsm abort --grace 100ms`
      Then it exits with 0
      And the run is "failed"
      And the process in "middle.began" is gone
      And it prints "may have left partial effects: 2 middle"
      When it ends
      Then it exits with 130
      And it prints "✗ Step 2: middle - cancelled: stopped by SIGTERM"
      And what happened is "first"

    Scenario: Giving up a run whose process died
      Given the plan "held" of the specs
      When I start `fsm run plan.yaml --yes`
      And "middle" has begun
      And its runner is killed by kill -9
      And what "middle" left running is killed
      And I run `fsm abort`
      Then it exits with 0
      And the run is "failed"
      And it prints "unknown: 2 middle"

  Rule: Drawing and describing

    Scenario Outline: A plan, its own machine and the step machine, in <format>
      Given the plan "ticket" of the specs
      When I run `fsm diagram plan.yaml --view plan --format <format>`
      Then it exits with 0
      And it prints "<begins>"
      And it prints "Move the ticket"
      When I run `fsm diagram plan.yaml --view machine --format <format>`
      Then it prints "needs_intervention"
      And it prints "rolling_back"
      When I run `fsm diagram plan.yaml --view step --format <format>`
      Then it prints "interrupted"
      And it prints "rollback_failed"
      And the folder holds only "plan.yaml"

      Examples:
        | format  | begins    |
        | mermaid | flowchart |
        | dot     | digraph   |

    Scenario: The machine that is drawn is the plan's own: its answers to failures are in it
      Given the plan "ticket" of the specs
      And I have run `fsm diagram plan.yaml --view machine`
      And the plan says "error_handling: {single_failure: abort}"
      When I run `fsm diagram plan.yaml --view machine`
      Then it exits with 0
      And they print different things

    Scenario: A diagram is drawn over an old one, but never over the plan
      Given the plan "ticket" of the specs
      And I have run `fsm diagram plan.yaml -o plan.mmd`
      When I run `fsm diagram plan.yaml --format dot -o plan.mmd`
      Then it exits with 0
      And the file "plan.mmd" begins with "digraph"
      When I run `fsm diagram plan.yaml -o ./plan.yaml`
      Then it exits with 2
      And the error says "./plan.yaml is the plan itself; name another file for -o"
      And the file "plan.yaml" begins with "# Three steps"

    Scenario: A diagram in a file
      Given the plan "ticket" of the specs
      When I run `fsm diagram plan.yaml --format dot --output plan.dot`
      Then it exits with 0
      And it prints nothing
      And the file "plan.dot" begins with "digraph"

    Scenario: The schema for editors
      When I run `fsm schema`
      Then it exits with 0
      And it prints one JSON document and nothing else
      And it prints "depends_on"
      And it prints "error_handling"
      And the folder holds nothing

    Scenario: Checking a plan against this machine
      Given the plan "ticket" of the specs
      When I run `fsm validate plan.yaml`
      Then it exits with 0
      And it prints "✓ Move a ticket: 3 steps, … checks, no problem"
      And nothing happened

    Scenario: The version
      When I run `fsm --version`
      Then it exits with 0
      And it prints exactly:
        """
        fsm {version}
        """

    Scenario: Help names every command and every exit code
      When I run `fsm --help`
      Then it exits with 0
      And it prints, line by line:
        """
        Exit codes: 0 completed…
        Commands:
        plan …
        approve …
        validate …
        run …
        status …
        log …
        resume …
        rollback …
        mark …
        abort …
        list …
        history …
        stats …
        prune …
        export …
        import …
        diagram …
        machine …
        schema …
        """

    Scenario Outline: In the help of `<command>` no summary is cut off
      When I run `<command> --help`
      Then it exits with 0
      And it prints "Commands:"
      And no line below "Commands:" ends with "..."

      Examples:
        | command     |
        | fsm         |
        | fsm machine |
        | fsm spec    |

    Scenario: An option before the command is answered with where it stands
      When I run `fsm --all list`
      Then it exits with 2
      And the error says "No such option '--all' before the command. Options of a command stand after it, as in: fsm list --json"

    Scenario Outline: A name of a run that is empty, as of a variable that is not set, is no run: `<command>`
      Given the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes`
      When I run `<command>`
      Then it exits with 2
      And the error says "the name of the run is empty; leave it out for the newest, or name one of: fsm list"
      And the run is "paused"

      Examples:
        | command                                |
        | fsm rollback ""                        |
        | fsm abort ""                           |
        | fsm status ""                          |
        | fsm mark branch done --run "" --reason x |

    Scenario Outline: A person's answer that is empty is none: `<command>`
      Given the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes`
      When I run `<command>`
      Then it exits with 2
      And the error says "<message>"
      And what happened is "branch"

      Examples:
        | command                          | message                                    |
        | fsm mark ticket done --reason "" | --reason is empty; say what you did or saw |
        | fsm resume --from ""             | run {run} has no step ``                   |

    Scenario: What is asked for cannot steer the terminal by the error that names it
      When I run `fsm plan` with `"$(printf '\033[31mred.yaml')"`
      Then it exits with 2
      And the error says "error: \x1b[31mred.yaml  does not exist; check the path"

    Scenario Outline: Help of <command>
      When I run `fsm <command> --help`
      Then it exits with 0
      And it prints "Usage: fsm <command>"
      And it prints "--json"

      Examples:
        | command  |
        | plan     |
        | approve  |
        | validate |
        | run      |
        | status   |
        | log      |
        | resume   |
        | rollback |
        | mark     |
        | abort    |
        | list     |
        | history  |
        | stats    |
        | prune    |
        | export   |
        | import   |
        | diagram  |
        | schema   |
        | machine check |
        | machine draw  |
        | machine table |
        | machine run   |

    Scenario: Execute and recover are other names of run and resume
      Given the plan "ticket" of the specs
      When I run `fsm execute plan.yaml --yes`
      Then it exits with 3
      When I make the file "mended"
      And I run `fsm recover`
      Then it exits with 0
      And what happened is "branch ticket mail"

  Rule: For programs

    Scenario Outline: `<command>` prints one JSON document and nothing else
      Given the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes`
      When I run `<command>`
      Then it exits with <code>
      And it prints one JSON document and nothing else
      And there is no error

      Examples:
        | command                                   | code |
        | fsm plan plan.yaml --json                 | 0    |
        | fsm approve plan.yaml --json              | 0    |
        | fsm validate plan.yaml --json             | 0    |
        | fsm status --json                         | 0    |
        | fsm log --json                            | 0    |
        | fsm log --step ticket --json              | 0    |
        | fsm list --json                           | 0    |
        | fsm history ticket --json                 | 0    |
        | fsm stats --json                          | 0    |
        | fsm prune --keep 1 --dry-run --json       | 0    |
        | fsm export --move --json                  | 0    |
        | fsm export --json                         | 6    |
        | fsm prune --json                          | 2    |
        | fsm import plan.yaml --json               | 2    |
        | fsm diagram plan.yaml --json              | 0    |
        | fsm schema --json                         | 0    |
        | fsm schema --skill                        | 0    |
        | fsm skills --json                         | 0    |
        | fsm skills shell --json                   | 0    |
        | fsm skills nonesuch --json                | 2    |
        | fsm run plan.yaml --json                  | 6    |
        | fsm status nowhere --json                 | 2    |
        | fsm resume --from nowhere --json          | 2    |
        | fsm nonsense --json                       | 2    |

    Scenario Outline: `<command>` prints one JSON document a line, the report last
      Given the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes`
      When I run `<command>`
      Then it exits with <code>
      And every line it prints is one JSON document
      And its JSON has "event" "Report"
      And its JSON has "state" "<state>"
      And there is no error

      Examples:
        | command                                   | code | state       |
        | fsm resume --json                         | 3    | paused      |
        | fsm rollback --json                       | 4    | rolled_back |
        | fsm abort --json                          | 0    | failed      |
        | fsm mark ticket done --reason seen --json | 0    | paused      |

    Scenario: An asked-for JSON document asks nothing, not even on a terminal
      Given the plan "ticket" of the specs
      When I run `fsm run plan.yaml --json` on a terminal
      Then it exits with 6
      And it prints one JSON document and nothing else
      And its JSON has "exit_code" 6
      And nothing happened

    Scenario: A reader that goes away early is no error
      Given the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes`
      When I run `fsm log` into a pipe that nobody reads
      Then it exits with 0
      And there is no error

    Scenario Outline: `<command>` with `<redirection>`: what it prints is lost, and that is told
      Given the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes`
      When I run `<command>` with `<redirection>`
      Then it exits with <code>
      And the error says "stdout cannot be written: <why>; what is printed is lost"

      Examples:
        | command                    | redirection | code | why                     |
        | fsm list                   | >/dev/full  | 7    | No space left on device |
        | fsm list --json            | >/dev/full  | 7    | No space left on device |
        | fsm skills                 | >/dev/full  | 7    | No space left on device |
        | fsm export --move -o a.gz  | >/dev/full  | 7    | No space left on device |
        | fsm --help                 | >/dev/full  | 7    | No space left on device |
        | fsm --version              | >/dev/full  | 7    | No space left on device |
        | fsm --version              | >&-         | 7    | it is closed            |
        | fsm status                 | >&-         | 7    | it is closed            |
        | fsm status                 | 1</dev/null | 7    | Bad file descriptor     |
        | fsm status nonesuch --json | >/dev/full  | 2    | No space left on device |

    Scenario Outline: A run goes on although `<redirection>` takes nothing of what it prints
      Given the plan "ticket" of the specs
      And there is a file "mended"
      When I run `fsm run plan.yaml --yes` with `<redirection>`
      Then it exits with <code>
      And what happened is "branch ticket mail"
      And the run is "completed"

      Examples:
        | redirection       | code |
        | >/dev/full        | 7    |
        | >/dev/full 2>&1   | 7    |
        | >&-               | 7    |
        | <&- 2>&-          | 0    |
        | <&- >&- 2>&-      | 7    |

    Scenario Outline: What `<encoding>` cannot write is written in another way, and no run is lost for it
      Given the plan:
        """
        plan: {id: snow, name: "Größe ☃", steps: [{id: one, name: "日本", run: echo one >> happened}]}
        """
      And the environment has PYTHONIOENCODING=<encoding>
      When I run `fsm run plan.yaml --yes`
      Then it exits with 0
      And it prints "Step 1"
      And what happened is "one"
      When I run `fsm status`
      Then it exits with 0
      And it prints "<shown>"
      When I run `fsm history snow --json`
      Then it prints one JSON document and nothing else

      Examples:
        | encoding        | shown                    |
        | iso-8859-15     | \u65e5\u672c  completed  |
        | ascii:strict    | 日本  completed          |
        | utf-8:strict    | 日本  completed          |

    Scenario Outline: A command that is mistyped is answered with the nearest one
      When I run `fsm <typed>`
      Then it exits with 2
      And the error says "No such command '<typed>'. Did you mean `<meant>`?"

      Examples:
        | typed | meant  |
        | plann | plan   |
        | skill | skills |
        | Run   | run    |

    Scenario Outline: Where no command is like what was typed, none is guessed
      When I run `fsm <typed>`
      Then it exits with 2
      And the error says "No such"
      And the error does not say "Did you mean"

      Examples:
        | typed |
        | zzz   |
        | -- -x |
