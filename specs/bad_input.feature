Feature: Bad input and bad circumstances
  Each gives one clear message with the next move and the right exit code, never a traceback; and nothing
  that was recorded is lost.

  Rule: Plans

    Scenario Outline: A plan that <is> is refused at once, in little memory
      Given a plan that <is>
      And fsm may use no more than 600 MB of memory
      When I run `fsm plan plan.yaml`
      Then it exits with 2
      And it prints nothing
      And the error says "<message>"
      And the error is one line of less than 500 letters
      And the folder holds only "plan.yaml"

      Examples: Dependencies (F54)
        | is                        | message                                                                                             |
        | waits for itself          | plan.yaml:4:28  step `a` depends on itself; take it out of its `depends_on`                         |
        | waits in a circle         | plan.yaml:4:28  these steps wait for each other: `a → b → a`; take one of these dependencies out    |
        | waits for an unknown step | plan.yaml:5:44  step `test` depends on `buidl`, which the plan does not have; did you mean `build`? |

      Examples: Bombs (F55, F56, F60)
        | is                     | message                                                                                                            |
        | laughs a billion times | plan.yaml:10:14  more than 1,000,000 values, aliases followed; split it into several files, or write fewer aliases |
        | nests 100,000 brackets | plan.yaml:1:33  is nested deeper than 32; flatten it                                                               |
        | nests 40 lists         | plan.yaml:3:44  is nested deeper than 32; flatten it                                                               |
        | is 9 MB long           | plan.yaml  is larger than 8 MiB; split it into several files                                                       |
        | is an endless device   | plan.yaml  is a device, not a file; name a file, or /dev/stdin                                                     |
        | is a named pipe        | plan.yaml  is a named pipe, not a file                                                                             |

      Examples: YAML that is not what it seems (F57, F58, F59)
        | is                           | message                                                                                             |
        | says one key twice           | plan.yaml:4:3  the key `id` came before, on line 2; keep one of the two                             |
        | has a number of 5,000 digits | plan.yaml:3:13  a number of 5000 characters is too long (at most 1000); quote it to keep it as text |
        | has a python tag             | plan.yaml:3:9  the tag `!!python/object/apply:os.system` is not allowed; remove it                  |
        | holds a NUL                  | plan.yaml:2:8  the character U+0000 is not allowed; remove it                                       |
        | holds a lone surrogate       | plan.yaml:2:8  the byte 0xED is not UTF-8; save the file as UTF-8                                   |
        | is UTF-16                    | plan.yaml:1:1  is UTF-16 text; save it as UTF-8                                                     |
        | is indented by a tab         | plan.yaml:2:1  a tab cannot indent; use spaces                                                      |
        | is two documents             | plan.yaml:4:1  a second document begins; keep one document in a file                                |
        | is empty                     | plan.yaml:1:1  the file declares no plan; begin it with `plan:`                                     |
        | is not text at all           | plan.yaml:1:1  the byte 0x80 is not UTF-8; save the file as UTF-8                                   |

      Examples: Ids (F61)
        | is                                  | message                                                                                                                               |
        | has the id ../x                     | plan.yaml:3:12  `id` of step number 1 must be 1 to 64 letters, digits, `_`, `.` or `-`, and begin with a letter or digit, not `../x`  |
        | has the id -rf                      | plan.yaml:3:12  `id` of step number 1 must be 1 to 64 letters, digits, `_`, `.` or `-`, and begin with a letter or digit, not `-rf`   |
        | has an id that ends in a line break | plan.yaml:3:12  `id` of step number 1 must be 1 to 64 letters, digits, `_`, `.` or `-`, and begin with a letter or digit, not `a…n`   |
        | has an id of 300 letters            | plan.yaml:3:12  `id` of step number 1 must be 1 to 64 letters, digits, `_`, `.` or `-`, and begin with a letter or digit, not `aaaa…` |
        | has an id with an accent            | plan.yaml:3:12  `id` of step number 1 must be 1 to 64 letters, digits, `_`, `.` or `-`, and begin with a letter or digit, not `café`  |
        | has ids that differ in case alone   | plan.yaml:5:8  the id `BUILD` is taken by step `build` on line 4; ids must differ in more than case                                   |

    Scenario Outline: `<command>` is answered with what is wrong and the next move
      Given the plan "ticket" of the specs
      And there is a named pipe "pipe"
      When I run `<command>`
      Then it exits with 2
      And the error says "<message>"

      Examples:
        | command                     | message                                                       |
        | fsm plan ""                 | the name of the file is empty; name one                       |
        | fsm execute "" --yes        | the name of the file is empty; name one                       |
        | fsm plan -                  | -  does not exist; write /dev/stdin for what is piped in      |
        | fsm import pipe             | pipe  is a named pipe, not a file; name a file, or /dev/stdin |
        | fsm import nowhere          | cannot read nowhere: No such file or directory; name a file that fsm export wrote |
        | fsm diagram plan.yaml --format dot -o . | cannot write .: Is a directory; name another file with -o |

    Scenario: Names that no file can have are problems of the plan
      Given the plan:
        """
        plan:
          id: long
          skills: ["./xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"]
          steps:
            - {id: one, run: ls, cwd: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx}
            - {id: two, run: [./xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx]}
        """
      When I run `fsm validate plan.yaml`
      Then it exits with 2
      And it prints "✗ plan.yaml:5:7  step `one`: the working folder …x cannot be reached: File name too long"
      And it prints "✗ plan.yaml:6:7  step `two`: there is no program `./xxx"
      When I run `fsm run plan.yaml --yes --skills xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx`
      Then it exits with 2
      And the error says "x is no folder; name one that is there"

    Scenario: What may not be read or reached is told as such
      Given the plan:
        """
        plan:
          id: shut
          steps:
            - {id: one, run: ls, cwd: shut/inner}
            - {id: two, run: [shut/inner/program]}
        """
      And there is a file "shut/inner/program"
      And there is a file "shut.yaml"
      And nobody may open "shut"
      And nobody may open "shut.yaml"
      When I run `fsm plan shut.yaml`
      Then it exits with 2
      And the error says "shut.yaml  cannot be read: Permission denied; mend its permissions"
      When I run `fsm validate plan.yaml`
      Then it exits with 2
      And it prints "✗ plan.yaml:4:7  step `one`: the working folder …/shut/inner cannot be reached: Permission denied"
      And it prints "✗ plan.yaml:5:7  step `two`: there is no program `shut/inner/program`"

    Scenario: A configuration folder of one's own that may not be reached has no skills, and is in nobody's way
      Given the plan "ticket" of the specs
      And there is a file "home/.config/x"
      And nobody may open "home"
      And the environment has HOME=home
      When I run `fsm skills`
      Then it exits with 0
      And it prints "shell"

    Scenario: A plan that comes through a pipe is executed, too
      Given the plan "ticket" of the specs
      And there is a file "mended"
      When I run `fsm execute /dev/stdin --yes` with `< <(cat plan.yaml)`
      Then it exits with 0
      And what happened is "branch ticket mail"

    Scenario: A byte order mark is no mistake
      Given a plan that begins with a byte order mark
      When I run `fsm plan plan.yaml`
      Then it exits with 0

    Scenario: Only true and false are booleans, and what looks like a number or a date may be text
      Given the plan:
        """
        plan:
          id: scalars
          params: {on: no, off: yes, mode: 0o12, time: 22:22, octal: 012, day: 2026-11-21}
          steps:
            - {id: one, run: [sh, -c, 'printf "%s\n" "$@" > said', sh, "{{ params.on }}", "{{ params.off }}", "{{ params.time }}", "{{ params.day }}"]}
        """
      When I run `fsm run plan.yaml --yes`
      Then it exits with 0
      And the file "said" reads "no yes 22:22 2026-11-21"

    Scenario: What a step is called can make nobody's terminal or log lie
      Given the plan:
        """
        plan:
          id: names
          steps:
            - id: one
              name: "good\e[2K\rStep 9: all is well\nreally"
              run: "true"
        """
      When I run `fsm run plan.yaml --yes`
      Then it exits with 0
      And it prints "✓ Step 1: good\x1b[2K\rStep 9: all is well\nreally - completed"
      And it prints no control characters

  Rule: The command line

    Scenario Outline: <mistake>
      Given the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes`
      And I note the journal
      When I run `<command>`
      Then it exits with <code>
      And the error says "<message>"
      And the journal is as it was

      Examples:
        | mistake                         | command                            | code | message                                   |
        | A command that is none          | fsm rnu plan.yaml                  | 2    | rnu                                       |
        | An option that is none          | fsm run plan.yaml --yse            | 2    | --yes                                     |
        | A parameter without a value     | fsm run plan.yaml -p version       | 2    | --param NAME=VALUE                        |
        | A run that is none              | fsm status nowhere                 | 2    | there is no run `nowhere`                 |
        | A step that is none, from       | fsm resume --from mial             | 2    | did you mean `mail`?                      |
        | A step that is none, rerun      | fsm resume --rerun branhc          | 2    | did you mean `branch`?                    |
        | A step that is none, done       | fsm resume --done x                | 2    | run {run} has no step `x`                 |
        | A step that is none, mark       | fsm mark tickets done --reason x   | 2    | did you mean `ticket`?                    |
        | A step that is none, log        | fsm log --step ../../etc/passwd    | 2    | has no step                               |
        | A mark that is no word          | fsm mark ticket undid --reason x   | 2    | undone                                    |
        | A mark without a reason         | fsm mark ticket done               | 2    | --reason                                  |
        | A grace that is no time         | fsm resume --grace soon            | 2    | --grace                                   |
        | A state that is of no kind      | fsm list --state cassette:tape     | 2    | no store is called `cassette`             |
        | A state without its kind        | fsm list --state other.db          | 2    | sqlite:other.db                           |
        | A rerun of what is not unknown  | fsm resume --rerun branch          | 6    | branch is completed: `rerun` is refused   |
        | A done of what is completed     | fsm resume --done branch           | 6    | branch is completed: `mark_done` is refused |
        | An undone that never began      | fsm mark mail undone --reason x    | 6    | mail is pending: `mark_undone` is refused because `begun` does not hold |

    Scenario Outline: Where nothing was ever run, `<command>` says so, and leaves nothing behind
      When I run `<command>`
      Then it exits with 6
      And the error says "no run is recorded in sqlite:.fsm/state.db"
      And the error says "fsm run PLAN"
      And the folder holds nothing

      Examples:
        | command      |
        | fsm status   |
        | fsm log      |
        | fsm resume   |
        | fsm rollback |
        | fsm abort    |

    Scenario Outline: Given in a folder that is gone, a command says so
      When I run `<command>` in the folder "gone", which is gone
      Then it exits with 7
      And the error says "the folder in which this was given is gone"
      And the error says "go to one that is there"

      Examples:
        | command                   |
        | fsm list                  |
        | fsm resume                |

  Rule: The state folder

    Scenario: A file stands where the folder should be
      Given the plan "ticket" of the specs
      And there is a file where the state folder should be
      When I run `fsm approve plan.yaml`
      Then it exits with 7
      And the error says ".fsm"
      And the error says "move the file that stands where a folder should be, or name another with --state"
      When I run `fsm run plan.yaml --yes`
      Then it exits with 7
      And the error says ".fsm"
      And nothing happened

    Scenario: The folder may not be written: nothing runs, and what is known can still be read
      Given the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes`
      And I note the journal
      When the folder ".fsm" can no longer be written
      And I run `fsm resume`
      Then it exits with 7
      And the error says "writable"
      And what happened is "branch"
      When I run `fsm run plan.yaml --new --yes`
      Then it exits with 7
      And what happened is "branch"
      When I run `fsm status`
      Then it exits with 0
      And it prints "✗ 2  Move the ticket  failed"
      When I run `fsm log`
      Then it exits with 0
      And the journal is as it was

    Scenario: The disk is full before anything began
      Given the plan "ticket" of the specs
      And the state is on a disk of one megabyte, "disk"
      And the disk "disk" is full
      When I run `fsm run plan.yaml --yes`
      Then it exits with 7
      And nothing happened

    Scenario: The disk fills up in mid-run: no step begins without its record, and the run goes on later
      Given the plan:
        """
        plan:
          id: filling
          steps:
            - {id: one, run: echo one >> happened}
            - {id: fill, run: fill-disk disk && echo fill >> happened}
            - {id: two, run: echo two >> happened}
            - {id: three, run: echo three >> happened}
        """
      And the state is on a disk of one megabyte, "disk"
      When I run `fsm run plan.yaml --yes`
      Then it exits with 7
      And the error says "fsm resume {run}"
      And what happened is "one fill"
      When I note the journal
      And there is space again on the disk "disk"
      And I run `fsm status`
      Then it exits with 0
      And it prints "done: 1 one"
      And it prints "unknown: 2 fill"
      When I run `fsm resume --done fill`
      Then it exits with 0
      And what happened is "one fill two three"
      And nothing that was recorded is lost

    Scenario: For programs that is one JSON document a line to the last
      Given the plan:
        """
        plan:
          id: filling
          steps:
            - {id: fill, run: fill-disk disk}
            - {id: two, run: echo two >> happened}
        """
      And the state is on a disk of one megabyte, "disk"
      When I run `fsm run plan.yaml --yes --json`
      Then it exits with 7
      And every line it prints is one JSON document
      And its JSON has "exit_code" 7
      And there is no error
      And nothing happened

    Scenario Outline: The database <damage>
      Given the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes`
      And there is a file "mended"
      When the database <damage>
      And I note the database
      And I run `fsm status`
      Then it exits with 7
      And the error says "<message>"
      And the error says "--state"
      When I run `fsm resume`
      Then it exits with 7
      And what happened is "branch"
      And nobody has touched the database

      Examples:
        | damage                                    | message                                      |
        | is cut in half                            | .fsm/state.db is damaged: database disk image is malformed |
        | is empty                                  | is no state of fsm: it is empty              |
        | is overwritten with text                  | is damaged: file is not a database           |
        | is of format 99                           | format 99, of a newer fsm; this one knows format 2 |
        | is one of another program                 | it is a database of another program          |
        | is a symbolic link                        | is a symbolic link, which is not followed    |
        | is in a folder that everybody may write   | .fsm: may be written to by everybody         |

    Scenario: One bit of a record is flipped
      Given the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes`
      And there is a file "mended"
      When the database has one bit flipped
      And I run `fsm status`
      Then it exits with 7
      And the error says "was altered"
      And the error says "nothing was changed"
      When I run `fsm resume`
      Then it exits with 7
      And what happened is "branch"

    Scenario: Somebody mends history
      Given the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes`
      When somebody changes "ticket" to "branch" in the journal
      And I note the journal
      And I run `fsm status`
      Then it exits with 7
      And the error says "was altered"
      When I run `fsm rollback`
      Then it exits with 7
      And what happened is "branch"
      And the journal is as it was

    Scenario Outline: The <which> record is missing
      Given the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes`
      When somebody removes the <which> record of the journal
      And I note the journal
      And I run `fsm status`
      Then it exits with 7
      And the error says "<message>"
      When I run `fsm resume`
      Then it exits with 7
      And the journal is as it was

      Examples:
        | which | message             |
        | third | record 3 is missing |
        | last  | ends at record 7, not at 8 |

    Scenario: An old backup is put back over newer records
      Given the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes`
      And I keep a copy of the state as a backup
      And there is a file "mended"
      And I have run `fsm resume`
      When I put the backup back
      And I run `fsm resume`
      Then it exits with 7
      And the error says "records of run {run} are lost"
      And what happened is "branch ticket mail"

    Scenario: A journal whose records are whole, but break a rule
      Given the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes`
      When the journal says once more that "branch" completed
      And I note the journal
      And I run `fsm status`
      Then it exits with 7
      And the error says "the journal of run {run} breaks a rule at record 9 (StepCompleted)"
      And the error says "nothing was changed"
      When I run `fsm resume`
      Then it exits with 7
      When I run `fsm rollback`
      Then it exits with 7
      And what happened is "branch"
      And the journal is as it was

    Scenario: A damaged run does not keep another plan from running
      Given the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes`
      And the database is overwritten with text
      When I run `fsm run plan.yaml --yes --state sqlite:elsewhere/state.db`
      Then it exits with 3
      And what happened is "branch branch"
