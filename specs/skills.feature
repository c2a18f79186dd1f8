Feature: Skills of one's own
  A skill is a named set of actions. A file of YAML declares one: what each action takes, needs and risks, the
  command it runs, how that is tried and probed, and which action undoes it. Plans then need not say it again.

  Background:
    Given the environment has XDG_CONFIG_HOME={folder}/config
    And the file "skills/notes.yaml":
      """
      skill:
        name: notes
        description: Lines of a notebook.
        actions:
          add:
            description: Add a line to a notebook.
            params:
              line: {type: text, description: The line.}
              book: {type: text, default: notes.txt}
              mood: {choices: [calm, cross], default: calm}
            needs: {commands: [grep]}
            env: {LINE: "{{ params.line }}", BOOK: "{{ params.book }}"}
            run: |
              [ ! -e held ] || hold adding
              echo "$LINE" >> "$BOOK"
              echo "lines=$(wc -l < "$BOOK")" >> "$FSM_OUTPUT"
            check: grep -qxF -e "$LINE" "$BOOK"
            dry_run: test ! -e "$BOOK" -o -w "$BOOK"
            outputs: [lines]
            undo: {action: strike, params: {line: "{{ params.line }}", book: "{{ params.book }}"}}
          strike:
            description: Take a line out of a notebook.
            params: {line: text, book: text}
            env: {LINE: "{{ params.line }}", BOOK: "{{ params.book }}"}
            run: grep -vxF -e "$LINE" "$BOOK" > "$BOOK.new"; mv -- "$BOOK.new" "$BOOK"
          count:
            params: {book: {default: notes.txt}}
            risk: read
            run: [wc, -l, --, "{{ params.book }}"]
      """
    And the plan:
      """
      plan:
        id: diary
        params: {line: "$(id); `id` 'and' \"so\" -on"}
        steps:
          - {id: first, skill: notes, action: add, params: {line: "{{ params.line }}"}}
          - id: second
            skill: notes
            action: add
            depends_on: first
            params: {line: "after {{ steps.first.outputs.lines }}"}
          - {id: proof, depends_on: second, run: test -e proof}
      """

  Rule: A plan uses what a file declares

    Scenario: It runs, its outputs flow, and what it did is undone by the action that the skill names
      When I run `fsm run plan.yaml --yes`
      Then it exits with 3
      And the file "notes.txt" reads "$(id); `id` 'and' "so" -on after 1"
      When I run `fsm rollback`
      Then it exits with 4
      And the file "notes.txt" reads ""

    Scenario: What it needs, and its dry run, are checked before anything happens
      When I run `fsm validate plan.yaml`
      Then it exits with 0
      When I change "needs: {commands: [grep]}" to "needs: {commands: [grep, no-such-tool]}" in the skill "notes"
      And I run `fsm validate plan.yaml`
      Then it exits with 2
      And it prints "the command `no-such-tool` is not found"
      When I change "no-such-tool" to "sed" in the skill "notes"
      And I change "test ! -e" to "test -d notes.txt -a ! -e" in the skill "notes"
      And I run `fsm run plan.yaml --yes`
      Then it exits with 2
      And the error says "step `first`, dry_run: exit code 1"

    Scenario: The plan shows what a step does and needs, and what undoes it
      When I run `fsm plan plan.yaml`
      Then it exits with 0
      And it prints, line by line:
        """
        1  first
        run     notes.add line=…
        does
        | [ ! -e held ] || hold adding
        | echo "$LINE" >> "$BOOK"
        check   notes.add line=…
        needs   commands grep
        undo    notes.strike line=…
        Tools
        skill notes…steps 1-2, to undo steps 1-2
        grep…steps 1-2, to undo steps 1-2
        mv…to undo steps 1-2
        """
      When I run `fsm plan plan.yaml --json`
      Then its JSON has "steps.0.needs" ["commands grep"]
      And its JSON has "steps.0.risk" "write"

    Scenario: Its runner died: what it did is known, and a check decides what is not
      Given there is a file "held"
      When I start `fsm run plan.yaml --yes`
      And "adding" has begun
      And its runner is killed by kill -9
      And I let "adding" end
      And nobody looks after its steps any more
      And I run `fsm resume`
      Then it prints "✓ Step 1: first - completed"
      And the file "notes.txt" reads "$(id); `id` 'and' "so" -on after 1"

    Scenario: What was approved is what runs, whatever becomes of the file
      Given the plan is approved
      When I change "echo "$LINE" >>" to "echo "other" >>" in the skill "notes"
      And I run `fsm run plan.yaml`
      Then it exits with 6
      And the error says "no unused approval fits plan.yaml as it stands now"
      And there is no file "notes.txt"

  Rule: Where skills are looked for

    Scenario: In the user's configuration, on the command line, and where the plan says
      Given the skills are moved to "elsewhere"
      When I run `fsm plan plan.yaml`
      Then it exits with 2
      And the error says "plan.yaml:5:19  no skill is called `notes`; there is: "
      When I run `fsm plan plan.yaml --skills elsewhere`
      Then it exits with 0
      And it prints "Approve it with: fsm approve plan.yaml --skills elsewhere"
      When I run `fsm run plan.yaml --skills elsewhere --yes`
      Then it exits with 3
      When the skills are moved to "config/fsm/skills"
      And I run `fsm plan plan.yaml`
      Then it exits with 0
      When the skills are moved to "there"
      And the plan says "skills: [there/notes.yaml]"
      And I run `fsm plan plan.yaml`
      Then it exits with 0

    Scenario: Two of one name are an error that names both; the same folder given twice is none
      When I run `fsm plan plan.yaml --skills skills`
      Then it exits with 0
      When the skills are copied to "more"
      And I run `fsm plan plan.yaml --skills more`
      Then it exits with 2
      And the error says "two skills are called `notes`: in skills/notes.yaml and in more/notes.yaml"

    Scenario: A folder that is not there
      When I run `fsm plan plan.yaml --skills no-such`
      Then it exits with 2
      And the error says "--skills no-such is no folder; name one that is there"

  Rule: What is wrong is told with its place

    Scenario: Of the call
      When I change "action: add, params: {line: " to "action: add, params: {mood: glad, lime: " in the plan
      And I run `fsm plan plan.yaml`
      Then it exits with 2
      And the error says, line by line:
        """
        …plan.yaml:5:46  step `first` has no parameter `line`; action `add` needs it
        plan.yaml:5:55  `params.mood` of step `first` must be `calm` or `cross`
        plan.yaml:5:67  action `add` has no parameter `lime`; did you mean `line`?
        """

    Scenario: Of the skill
      When I change "run: |" to "rum: |" in the skill "notes"
      And I change "undo: {action: strike" to "undo: {action: stroke" in the skill "notes"
      And I change "default: calm" to "default: glad" in the skill "notes"
      And I change "grep -vxF -e "$LINE"" to "grep -vxF {{ params.line }}" in the skill "notes"
      And I run `fsm plan plan.yaml`
      Then it exits with 2
      And the error says, line by line:
        """
        …skills/notes.yaml:10:40  `params.mood.default` of action `add` must be `calm` or `cross`
        skills/notes.yaml:13:7  action `add` has no key `rum`; did you mean `run`?
        skills/notes.yaml:20:14  `undo` of action `add` names `stroke`, which the skill does not have; did you mean `strike`?
        skills/notes.yaml:25:7  `run` of action `strike` has a template within text that a shell runs; give it as one argument of a list, `[…, "{{ params.line }}"]`, or as `env: {LINE: "{{ params.line }}"}` and write `"$LINE"`
        """

  Rule: One can see which skills there are, and what each can do

    Scenario: All of them, those that cannot be used with the reason
      Given the file "skills/broken.yaml":
        """
        skill: {name: broken}
        """
      When I run `fsm skills`
      Then it exits with 0
      And it prints, line by line:
        """
        ✗ broken…skills/broken.yaml
        skills/broken.yaml:1:1  the skill has no `actions`; it needs one or more
        files…fsm itself…actions…
        notes…skills/notes.yaml…3 actions   Lines of a notebook.
        shell…fsm itself…1 action    Run a command…
        """
      When I run `fsm skills --json`
      Then its JSON has "skills.0.problems.0.line" 1
      When I run `fsm skills broken`
      Then it exits with 2
      And the error says "skills/broken.yaml:1:1  the skill has no `actions`; it needs one or more"

    Scenario: One of them
      When I run `fsm skills notes`
      Then it exits with 0
      And it prints exactly:
        """
        notes: Lines of a notebook.
        from skills/notes.yaml

        add · changes something · can be checked · can be tried
          Add a line to a notebook.
            line  text, required       The line.
            book  text = notes.txt
            mood  calm | cross = calm
          needs    commands grep
          outputs  lines
          undo     strike line={{ params.line }} book={{ params.book }}

        strike · changes something
          Take a line out of a notebook.
            line  text, required
            book  text, required
          undo     nothing: a plan can name a rollback of its own

        count · changes nothing
            book  text = notes.txt
        """
      When I run `fsm skills notes --json`
      Then its JSON has "actions.0.params.0" {"name": "line", "type": "text", "required": true, "default": null, "choices": [], "secret": false, "description": "The line."}
      And its JSON has "actions.2.risk" "read"
      When I run `fsm skills note`
      Then it exits with 2
      And the error says "no skill is called `note`; did you mean `notes`?"

    Scenario: As a plan finds them, with those that it names itself
      Given the skills are moved to "elsewhere"
      When I run `fsm skills --skills elsewhere`
      Then it prints "notes…elsewhere/notes.yaml"
      When the plan says "skills: [elsewhere/notes.yaml]"
      And I run `fsm skills notes --plan plan.yaml`
      Then it exits with 0
      When I run `fsm skills notes`
      Then it exits with 2

  Rule: A folder with a SKILL.md and scripts is a skill, too

    Background:
      Given the file "skills/release-notes/SKILL.md":
        """
        ---
        name: release-notes
        description: Collect what is new.
        license: MIT
        ---
        # How an agent uses it
        """
      And the file "skills/release-notes/scripts/collect_all.sh":
        """
        for word; do echo "<$word> for $WHO" >> "$(dirname "$0")/../../../collected"; done
        echo "count=$#" >> "$FSM_OUTPUT"
        """
      And the file "skills/release-notes/scripts/README.txt":
        """
        No script.
        """
      And the plan:
        """
        plan:
          id: notes
          steps:
            - id: collect
              skill: release-notes
              action: collect-all
              params: {args: ["$(id)", "-a b", "{{ run.id }}"]}
              env: {WHO: Ann}
            - {id: held, depends_on: collect, run: hold held}
            - {id: again, depends_on: held, skill: release-notes, action: collect-all, params: {args: ["{{ steps.collect.outputs.count }}"]}}
        """

    Scenario: Each script is an action, with its arguments as they are
      Given there is a file "held.go"
      When I run `fsm run plan.yaml --yes`
      Then it exits with 0
      And the file "collected" reads "<$(id)> for Ann <-a b> for Ann <{run}> for Ann <3> for"

    Scenario: The plan may lie in another folder than the one it is run from
      Given there is a file "held.go"
      When the plan and its skills are moved to "sub"
      And I run `fsm run sub/plan.yaml --yes`
      Then it exits with 0

    Scenario: A script that changed while the run went on is not run
      When I start `fsm run plan.yaml --yes`
      And "held" has begun
      And I write the file "skills/release-notes/scripts/collect_all.sh":
        """
        touch hacked
        """
      And I let "held" end
      And it ends
      Then it exits with 3
      And it prints "✗ Step 3: again - failed: the code of skill `release-notes`…has changed since the plan was approved; put it back as it was"
      And there is no file "hacked"

    Scenario: What is wrong with such a folder
      When I write the file "skills/release-notes/SKILL.md":
        """
        ---
        name: release-note
        ---
        """
      And I write the file "skills/release-notes/scripts/collect-all.py":
        """
        print()
        """
      And I run `fsm plan plan.yaml`
      Then it exits with 2
      And the error says, line by line:
        """
        …skills/release-notes  scripts/collect_all.sh and scripts/collect-all.py would both be the action `collect-all`; rename one
        skills/release-notes/SKILL.md:2:1  the front matter has no `description` that is text
        skills/release-notes/SKILL.md:2:1  the skill is called `release-note`, but its folder `release-notes`; give both the same name
        """

  Rule: Skills in Python, named by the plan or installed

    Background:
      Given the file "tickets.py":
        """
        import asyncio
        from fsm import Skill

        tickets = Skill("tickets", "Work with tickets.")


        @tickets.action(undo="reopen")
        async def close_all(issues: list[str], reason: str = "done") -> dict[str, int]:
            '''Close tickets.'''
            await asyncio.sleep(0)
            with open("closed", "a") as file:
                print(*issues, reason, file=file)
            return {"closed": len(issues)}


        @tickets.action
        def reopen(issues: list[str]) -> None:
            with open("closed", "a") as file:
                print("not", *issues, file=file)
        """
      And the plan:
        """
        plan:
          id: tickets
          skills: ["./tickets.py:tickets"]
          steps:
            - {id: close, skill: tickets, action: close-all, params: {issues: [A-1, "$(id)"]}}
            - {id: held, depends_on: close, run: hold held}
            - {id: again, depends_on: held, skill: tickets, action: close-all, params: {issues: [], reason: "{{ steps.close.outputs.closed }} before"}}
            - {id: broken, depends_on: again, run: exit 9}
        """

    Scenario: Its functions, async or not, run within the run, and undo what they did
      Given there is a file "held.go"
      When I run `fsm run plan.yaml --yes`
      Then it exits with 3
      When I run `fsm rollback`
      Then it exits with 4
      And the file "closed" reads "A-1 $(id) done 2 before not not A-1 $(id)"

    Scenario: The wrong parameters are told as in any plan
      When I change "issues: [A-1, "$(id)"]" to "issues: A-1, reasn: x" in the plan
      And I run `fsm plan plan.yaml`
      Then it exits with 2
      And the error says, line by line:
        """
        …plan.yaml:5:63  `params.issues` of step `close` must be a list
        plan.yaml:5:76  action `close-all` has no parameter `reasn`; did you mean `reason`?
        """

    Scenario: Code that changed since approval is refused, and so is none at all
      When I start `fsm run plan.yaml --yes`
      And "held" has begun
      And its runner is killed by kill -9
      And I let "held" end
      And nobody looks after its steps any more
      And I change "print(*issues" to "print("other", *issues" in the file "tickets.py"
      And I run `fsm resume`
      Then it exits with 3
      And it prints "✗ Step 3: again - failed: the code of skill `tickets` (./tickets.py:tickets) has changed since the plan was approved; put it back as it was"
      And the file "closed" reads "A-1 $(id) done"
      When I remove the file "tickets.py"
      And I run `fsm resume`
      Then it exits with 3
      And it prints "failed: the skill ./tickets.py:tickets cannot be imported: No such file or directory; mend it"

    Scenario: What is wrong with the skill itself is told before any of it runs
      When I change "issues: list[str], reason" to "issues: list[Ticket], reason" in the file "tickets.py"
      And I run `fsm run plan.yaml --yes`
      Then it exits with 2
      And the error says "./tickets.py:tickets: action `close-all`: the annotations of close_all: name 'Ticket' is not defined; import or define it"
      And there is no file "closed"
      When I change "issues: list[Ticket], reason" to "issues: list[str], reason" in the file "tickets.py"
      And I change "undo="reopen"" to "undo="repoen"" in the file "tickets.py"
      And I run `fsm plan plan.yaml`
      Then it exits with 2
      And the error says "action `close-all`: its `undo` is `repoen`, which the skill does not have; it has `close-all`, `reopen`"
      When I change "./tickets.py:tickets" to "./tickets.py:tcikets" in the plan
      And I run `fsm plan plan.yaml`
      Then it exits with 2
      And the error says "./tickets.py:tcikets is not there: `tcikets` stands nowhere in it; its skills are `tickets`"

    Scenario: Nothing is imported from the working directory unless the plan names the file
      When I change "./tickets.py:tickets" to "tickets:tickets" in the plan
      And I run `fsm plan plan.yaml`
      Then it exits with 2
      And the error says "plan.yaml:3:12  the skill tickets:tickets cannot be imported: ModuleNotFoundError"
      And the error does not say "plan.yaml:5"
      And the error says "mend it, or take it out of `skills`"

  Rule: An action may be an action of another skill, with parameters of its own

    Background:
      Given the file "skills/diary.yaml":
        """
        skill:
          name: diary
          actions:
            enter:
              params: {day: text, mood: {type: text, required: false}}
              call:
                skill: notes
                action: add
                params: {line: "{{ params.day }}: fine", book: "{{ params.day }}.txt", mood: "{{ params.mood }}"}
              undo: {action: tear-out, params: {day: "{{ params.day }}"}}
            tear-out:
              params: {day: text}
              env: {DAY: "{{ params.day }}"}
              run: rm -- "$DAY.txt"
        """
      And the plan:
        """
        plan:
          id: diary
          steps:
            - {id: monday, skill: diary, action: enter, params: {day: "$(mon)"}}
            - {id: again, depends_on: monday, skill: diary, action: enter, params: {day: "day {{ steps.monday.outputs.lines }}"}}
            - {id: stop, depends_on: again, run: exit 9}
        """

    Scenario: It does what that one does, is checked and tried as that one, and has its own way back
      When I run `fsm plan plan.yaml`
      Then it prints, line by line:
        """
        run     diary.enter day="$(mon)"
        does    notes.add line="{{ params.day }}: fine" book="{{ params.day }}.txt" mood="{{ params.mood }}"
        check   diary.enter day="$(mon)"
        dry run diary.enter day="$(mon)"
        undo    diary.tear-out day="$(mon)"
        """
      When I run `fsm run plan.yaml --yes`
      Then it exits with 3
      And the file "$(mon).txt" reads "$(mon): fine"
      And the file "day 1.txt" reads "day 1: fine"
      When I run `fsm rollback`
      Then it exits with 4
      And there is no file "$(mon).txt"

    Scenario: What it does is part of what is approved
      Given I have run `fsm plan plan.yaml --json`
      And I note the "digest" it prints as "digest"
      When I change "echo "$LINE" >>" to "echo "other" >>" in the skill "notes"
      And I run `fsm plan plan.yaml --json`
      Then the "digest" it prints is no longer digest

    Scenario: Its runner died: the step is known to have ended
      Given there is a file "held"
      When I start `fsm run plan.yaml --yes`
      And "adding" has begun
      And its runner is killed by kill -9
      And I let "adding" end
      And nobody looks after its steps any more
      And I run `fsm resume`
      Then it prints "✓ Step 1: monday - completed"
      And the file "$(mon).txt" reads "$(mon): fine"

    Scenario: What it gives wrongly, a circle, and a skill that the plan does not allow are refused
      When I change "line: "{{ params.day }}: fine"" to "lime: [x]" in the skill "diary"
      And I run `fsm plan plan.yaml`
      Then it exits with 2
      And the error says, line by line:
        """
        …plan.yaml:4:20  diary.enter gives notes.add `lime`, which is no parameter of it; mend the skill
        plan.yaml:4:20  diary.enter gives notes.add no `line`; mend the skill
        """
      When I change "skill: notes" to "skill: diary" in the skill "diary"
      And I change "action: add" to "action: enter" in the skill "diary"
      And I run `fsm plan plan.yaml`
      Then it exits with 2
      And the error says "plan.yaml:4:20  skills call each other in a circle: diary.enter → diary.enter; end it in one of them"
      When I change "skill: diary" to "skill: nots" in the skill "diary"
      And I run `fsm plan plan.yaml`
      Then it exits with 2
      And the error says "no skill is called `nots`, which diary.enter calls; did you mean `notes`?"
      When I change "skill: nots" to "skill: notes" in the skill "diary"
      And the plan says "allowed_skills: [diary]"
      And I run `fsm plan plan.yaml`
      Then it exits with 2
      And the error says "uses the skill `notes`, which diary.enter calls, which the plan does not allow"

    Scenario: Code that it lets `python` call is approved with the plan, and no other is run
      Given the file "skills/jobs.yaml":
        """
        skill:
          name: jobs
          actions:
            go: {params: {x: text}, call: {skill: python, action: call, params: {function: "job.py:go", args: {x: "{{ params.x }}"}}}}
            any: {params: {x: text}, call: {skill: python, action: call, params: {function: "{{ params.x }}"}}}
        """
      And the file "job.py":
        """
        def go(x):
            open("gone", "w").write(x)
        """
      And the plan:
        """
        plan:
          id: jobs
          error_handling: {multiple_failures: {after: 9, then: rollback}}
          steps:
            - {id: held, run: test -e go}
            - {id: a, depends_on: held, skill: jobs, action: go, params: {x: "$(id)"}}
        """
      When I run `fsm run plan.yaml --yes`
      Then it exits with 3
      When I change ""w"" to ""a"" in the file "job.py"
      And I run `fsm resume --done held`
      Then it exits with 3
      And it prints "job.py:go is not as it was approved"
      And there is no file "gone"
      When I change ""a"" to ""w"" in the file "job.py"
      And I run `fsm resume`
      Then it exits with 0
      And the file "gone" reads "$(id)"
      When I change "action: go" to "action: any" in the plan
      And I run `fsm plan plan.yaml`
      Then it exits with 2
      And the error says "plan.yaml:6:33  `function` of python.call in jobs.any is not known before the plan runs"


    Scenario: It cannot say that it changes nothing, nor give a secret that it does not keep
      Given the file "skills/safe.yaml":
        """
        skill:
          name: safe
          actions:
            open: {params: {key: {type: text, secret: true}}, env: {KEY: "{{ params.key }}"}, run: 'test -n "$KEY"'}
        """
      And the file "skills/thief.yaml":
        """
        skill:
          name: thief
          actions:
            look: {risk: read, params: {key: {type: text, secret: true}}, call: {skill: safe, action: open, params: {key: "{{ params.key }}"}}}
            tell: {params: {key: text}, call: {skill: safe, action: open, params: {key: "{{ params.key }}"}}}
            know: {call: {skill: safe, action: open, params: {key: 12-34-56}}}
        """
      And the plan:
        """
        plan:
          id: theft
          secrets: [KEY]
          steps:
            - {id: look, skill: thief, action: look, params: {key: "{{ secrets.KEY }}"}}
            - {id: tell, skill: thief, action: tell, params: {key: 12-34-56}}
            - {id: know, skill: thief, action: know}
        """
      When I run `fsm plan plan.yaml`
      Then it exits with 2
      And the error says, line by line:
        """
        …plan.yaml:5:18  thief.look has the `risk` `read`, and calls safe.open, which has `write`; mend the skill
        plan.yaml:6:18  thief.tell gives safe.open `key`, which is secret there, from what is not secret here; mend the skill
        plan.yaml:7:18  thief.know gives safe.open `key`, which is secret there, from what is not secret here; mend the skill
        """
