Feature: Validation looks at every step before anything happens
  Inputs are resolved and type-checked, permissions and targets looked up, and each step that is well is tried
  by its dry run, in order and without any effect. A plan of which anything is wrong cannot start.

  Background:
    Given the file "tickets.py":
      """
      import fsm
      from fsm import Lack, Secret
      from pathlib import Path
      from typing import Annotated

      tickets = fsm.Skill("tickets", "Work with tickets, each a file.")


      @tickets.action(needs=fsm.Needs(permissions=("close tickets",)), outputs=["was"])
      def close(issue: str, token: Annotated[str, Secret] = "", lines: int = 1) -> dict[str, str]:
          was = Path(issue).read_text()
          Path(issue).write_text("closed\n" * lines)
          Path("sent").write_text(token)
          return {"was": was}


      @close.dry_run
      def would_close(issue: str) -> None:
          if "locked" in Path(issue).read_text():
              raise PermissionError(f"{issue} is locked")


      @close.inspect
      async def look(issue: str, context: fsm.Context):
          if context.env.get("USER_ROLE") != "boss":
              yield Lack("permissions", "you may not close tickets", "ask the boss")
          if not Path(issue).exists():
              yield Lack("targets", f"there is no ticket {issue}", "open it")
      """
    And the environment has USER_ROLE=boss

  Scenario: The table shows what was looked at of each step
    Given the file "A-1":
      """
      open
      """
    And the plan:
      """
      plan:
        id: release
        skills: ["tickets.py:tickets"]
        steps:
          - {id: build, run: 'echo "n=2" >> "$FSM_OUTPUT"', dry_run: test -d .}
          - {id: close, skill: tickets, action: close, params: {issue: A-1}}
          - id: again
            skill: tickets
            action: close
            params: {issue: A-1, lines: "{{ steps.build.outputs.n | int }}"}
            depends_on: [build, close]
          - id: publish
            run: [cat, A-1]
            depends_on: again
            cwd: .
      """
    When I run `fsm validate plan.yaml`
    Then it exits with 0
    And it prints, line by line:
      """
      step     inputs  permissions  targets  dry-run
      build    ✓       ✓            –        ✓
      close    ✓       ✓            ✓        ✓
      again    ✓       ✓            ✓        needs outputs of build
      publish  ✓       ✓            ✓        –
      ✓ release: 4 steps, … checks, no problem
      """
    And the file "A-1" reads "open"
    When I run `fsm validate plan.yaml --json`
    Then its JSON has "valid" true
    And its JSON has "steps.1.targets" "ok"
    And its JSON has "steps.2.dry_run" "needs_outputs"
    And its JSON has "steps.2.needs" ["build"]

  Scenario: All that is wrong is told at once, and dry runs are made up to the first step that is not well
    Given the file "A-1":
      """
      locked
      """
    And the environment has USER_ROLE=guest
    And the plan:
      """
      plan:
        id: release
        skills: ["tickets.py:tickets"]
        steps:
          - {id: look, run: [cat, A-1], dry_run: test -e A-2}
          - {id: first, skill: tickets, action: close, params: {issue: A-1}}
          - {id: second, skill: tickets, action: close, params: {issue: A-2}}
          - {id: ship, run: [no-such-command, now], env: {REGION: }, dry_run: touch happened}
      """
    When I run `fsm validate plan.yaml`
    Then it exits with 2
    And it prints, line by line:
      """
      look    ✓       ✓            –        ✗
      first   ✓       ✗            ✓        not made
      second  ✓       ✗            ✗        not made
      ship    ✓       ✗            –        not made
      ✗ plan.yaml:6:7  steps `first`, `second`: you may not close tickets; ask the boss
      ✗ plan.yaml:7:7  step `second`: there is no ticket A-2; open it
      ✗ plan.yaml:8:7  step `ship`: the environment variable REGION is not set; set it: export REGION=…
      ✗ plan.yaml:8:7  step `ship`: `no-such-command` is not found on PATH; install it, or write its path
      ✗ plan.yaml:5:35  step `look`, dry_run: exit code 1
      ✗ release: 4 steps, … checks, 5 problems
      """
    And nothing happened
    When I run `fsm run plan.yaml --yes`
    Then it exits with 2
    And the error says "you may not close tickets"
    And the error says "nothing was started"
    And the file "A-1" reads "locked"
    When I run `fsm list --json`
    Then it does not print "release"

  Scenario: A working folder that cannot be written is found before anything runs
    Given the plan:
      """
      plan:
        id: folders
        steps:
          - {id: one, run: echo one >> happened}
          - {id: two, cwd: sub, run: touch made}
      """
    And there is a folder "sub"
    And the folder "sub" can no longer be written
    When I run `fsm validate plan.yaml`
    Then it exits with 2
    And it prints "two   –       ✗            ✓"
    When I run `fsm run plan.yaml --yes`
    Then it exits with 2
    And the error says "step `two`: the working folder {folder}/sub cannot be written; mend its permissions"
    And nothing happened

  Scenario: A dry run that fails keeps the plan from starting
    Given the file "A-1":
      """
      locked
      """
    And the plan:
      """
      plan:
        id: release
        skills: ["tickets.py:tickets"]
        steps:
          - {id: first, skill: tickets, action: close, params: {issue: A-1}}
          - {id: other, run: echo other >> happened, dry_run: "true"}
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 2
    And the error says "step `first`, dry_run: PermissionError: A-1 is locked"
    And nothing happened

  Scenario: Starting without validation is refused by the table itself
    Given the plan "ticket" of the specs
    When I run `fsm diagram plan.yaml --view machine`
    Then it prints "start [approved,<br/>validated]"

  Scenario: Of a long plan the steps that are well are counted
    Given a plan of 60 steps, every third of which cannot be undone
    When I run `fsm validate plan.yaml`
    Then it exits with 2
    And it prints, line by line:
      """
      step     inputs  permissions  targets  dry-run
      s1       ✓       ✗            –        –
      20 more  ✓       ✓            –        –
      ✗ plan.yaml:…  step `s1`, rollback: `undo-s1` is not found on PATH; install it, or write its path
      """
    And it does not print "s3 "
    When I run `fsm validate plan.yaml --full`
    Then it prints "s60   ✓       ✓            –        –"

  Scenario: A secret is handed to a skill, and shown nowhere
    Given the file "A-1":
      """
      open
      """
    And the environment has TICKETS_KEY=canary-7f3a9c51e2
    And the plan:
      """
      plan:
        id: release
        secrets: [TICKETS_KEY]
        skills: ["tickets.py:tickets"]
        steps:
          - id: first
            skill: tickets
            action: close
            params: {issue: A-1, token: "{{ secrets.TICKETS_KEY }}"}
      """
    When I run `fsm plan plan.yaml`
    Then it prints "{{ secrets.TICKETS_KEY }}"
    When I run `fsm plan plan.yaml --json`
    And I run `fsm validate plan.yaml --json`
    And I run `fsm run plan.yaml --yes`
    Then it exits with 0
    And the file "sent" reads "canary-7f3a9c51e2"
    When I run `fsm log --json`
    Then nothing that was printed holds "canary-7f3a9c51e2"
    And no file of the state holds "canary-7f3a9c51e2"
    When the environment has no TICKETS_KEY any more
    And I run `fsm validate plan.yaml`
    Then it exits with 2
    And it prints "first  ✓       ✗ "
    And it prints "✗ plan.yaml:…  step `first`: the secret TICKETS_KEY is not set; set it with: export TICKETS_KEY=…"

  Scenario Outline: A secret stands where it would be seen, or its value stands in the plan
    Given the plan:
      """
      plan:
        id: release
        secrets: [TICKETS_KEY]
        skills: ["tickets.py:tickets"]
        steps:
          - {id: first, <step>}
      """
    When I run `fsm validate plan.yaml`
    Then it exits with 2
    And the error says "<told>"

    Examples:
      | step                                                                        | told                                                                     |
      | run: [curl, "{{ secrets.TICKETS_KEY }}"]                                    | names a secret, which only the `params` of a skill may; …"$TICKETS_KEY"` |
      | skill: tickets, action: close, params: {issue: A-1, token: abc}             | is secret, and a plan never holds its value                              |
      | skill: tickets, action: close, params: {issue: "{{ secrets.OTHER }}"}       | names `secrets.OTHER`, which the plan does not declare                   |

  Scenario: A plan that comes through a pipe is read but once
    When I run `fsm validate /dev/stdin` with "plan: {id: piped, steps: [{id: one, run: echo}]}" on its stdin
    Then it exits with 0
    And it prints "✓ piped: 1 step, … checks, no problem"

  Scenario: A dry run that does not end is ended by the step's timeout
    Given the plan:
      """
      plan:
        id: hanging
        steps:
          - {id: look, run: "true", dry_run: hold dry, timeout: 300ms}
      """
    When I run `fsm validate plan.yaml`
    Then it exits with 2
    And it prints "step `look`, dry_run: timed out after 300ms"
    And the process in "dry.began" is gone
    When I run `fsm run plan.yaml --yes`
    Then it exits with 2

  Scenario: Ended from outside while it makes a dry run, validation leaves nothing at work
    Given the plan:
      """
      plan:
        id: hanging
        steps:
          - {id: look, run: "true", dry_run: hold dry}
      """
    When I start `fsm validate plan.yaml`
    And "dry" has begun
    And its runner gets SIGTERM
    And it ends
    Then it exits with 130
    And the process in "dry.began" is gone

  Rule: What earlier steps make is not asked for

    Scenario: A folder that a step makes is worked in, and a program in it is run, by later steps
      Given the plan:
        """
        plan:
          id: toolchain
          params: {folder: work}
          steps:
            - id: clone
              run: mkdir work && echo 'echo "$1" >> ../happened' > work/tool && chmod +x work/tool
              makes: "{{ params.folder }}"
              rollback: {run: [work/../work/tool, -clone]}
            - {id: build, cwd: work, run: [sh, ./tool, build], rollback: {run: sh tool -build}}
            - {id: check, cwd: work, skill: git-operations, action: check-clean, if: "false"}
            - {id: fail, run: work/none}
        """
      When I run `fsm validate plan.yaml`
      Then it exits with 0
      And it prints, line by line:
        """
        step   inputs  permissions  targets  dry-run
        clone  ✓       ✓            –        –
        build  –       –            –        –
        check  –       –            –        not made
        fail   ✓       ✓            –        –
        """
      When I run `fsm plan plan.yaml`
      Then it prints "terms   makes work"
      When I run `fsm run plan.yaml --yes`
      Then it exits with 3
      And what happened is "build"
      And it prints "✗ Step 4: fail - failed: exit code 127"

    Scenario Outline: Only for steps that come after, and only what is named
      Given the plan:
        """
        plan:
          id: toolchain
          parallel: <parallel>
          steps:
            - {id: clone, run: mkdir work, makes: <makes>}
            - {id: build, cwd: work, run: "true", depends_on: <after>}
        """
      When I run `fsm validate plan.yaml`
      Then it exits with <code>

      Examples:
        | parallel | makes    | after   | code |
        | 1        | work     | []      | 0    |
        | 2        | work     | [clone] | 0    |
        | 2        | work     | []      | 2    |
        | 1        | wor      | [clone] | 2    |
        | 1        | work/sub | [clone] | 2    |

    Scenario: What is nowhere says how a step would say that it makes it
      Given the plan:
        """
        plan:
          id: toolchain
          steps:
            - {id: build, cwd: work, run: "true"}
            - {id: test, run: bin/test}
        """
      When I run `fsm run plan.yaml --yes`
      Then it exits with 2
      And the error says "step `build`: the working folder …/work does not exist; make it, or mend `cwd`; a step that makes it says so: `makes: [PATH]`"
      And the error says "step `test`: there is no program `bin/test` in …; mend the path, or `cwd`; a step that makes it says so: `makes: [PATH]`"
