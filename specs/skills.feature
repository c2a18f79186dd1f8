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
        …skills/notes.yaml:5:5  action `add` has no `run`; it needs one
        skills/notes.yaml:10:40  `params.mood.default` of action `add` must be `calm` or `cross`
        skills/notes.yaml:13:7  action `add` has no key `rum`; did you mean `run`?
        skills/notes.yaml:20:14  `undo` of action `add` names `stroke`, which the skill does not have; did you mean `strike`?
        skills/notes.yaml:25:7  `run` of action `strike` has a template within text that a shell runs; give it as one argument of a list, `[…, "{{ params.line }}"]`, or as `env: {LINE: "{{ params.line }}"}` and write `"$LINE"`
        """
