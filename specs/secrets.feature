Feature: Secrets are named, never valued
  A plan names the environment variables that hold secrets. Their values are masked wherever output is
  captured or shown, and stand in no file.

  Background:
    Given the environment has API_TOKEN=canary-7f3a9c51e2

  Scenario: A secret that a step prints is masked in all that is kept and shown
    Given the plan:
      """
      plan:
        id: talkative
        secrets: [API_TOKEN]
        steps:
          - id: speak
            run: |
              echo "stdout: $API_TOKEN"
              echo "stderr: $API_TOKEN" >&2
              echo "stored=$API_TOKEN" >> "$FSM_OUTPUT"
              echo "$API_TOKEN" > really-there
          - id: fail
            depends_on: speak
            run: |
              echo "the server refuses $API_TOKEN"
              exit 3
            rollback: {run: 'echo "back with $API_TOKEN"', on: started}
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 3
    And it prints "| the server refuses …"
    And the file "really-there" reads "canary-7f3a9c51e2"
    When I run `fsm log --step speak`
    Then it prints "stdout: …"
    When I run `fsm log --step fail --json`
    And I run `fsm status`
    And I run `fsm status --json`
    And I run `fsm log`
    And I run `fsm log --json`
    And I run `fsm rollback --json`
    Then it exits with 4
    And nothing that was printed holds "canary-7f3a9c51e2"
    And no file of the state holds "canary-7f3a9c51e2"

  Scenario: A secret that is printed in two halves is masked too
    Given the plan:
      """
      plan:
        id: halves
        secrets: [API_TOKEN]
        steps:
          - {id: speak, run: 'printf %.10s "$API_TOKEN"; sleep 0.2; echo "$API_TOKEN" | cut -c 11-; exit 1'}
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 3
    And nothing that was printed holds "canary-7f3a9c51e2"
    And it prints "| ***"
    And no file of the state holds "canary"
    And no file of the state holds "a9c51e2"

  Scenario: A secret that is printed in another form is masked too
    Given the plan:
      """
      plan:
        id: forms
        secrets: [API_TOKEN]
        steps:
          - id: speak
            run: |
              printf %s "$API_TOKEN" | base64
              printf %s "user:$API_TOKEN" | base64 | tr '+/' '-_'
              printf %s "$API_TOKEN" | od -An -v -tx1 | tr -d ' \n'
              echo "stored=$(printf %s "me:$API_TOKEN" | base64)" >> "$FSM_OUTPUT"
              exit 1
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 3
    And it prints, line by line:
      """
      | ***
      | dXNlcjp***g==
      | ***
      """
    When I run `fsm log --json`
    Then nothing that was printed holds "Y2FuYXJ5LTdmM2E5YzUxZTI"
    And nothing that was printed holds "YW5hcnktN2YzYTljNTFlM"
    And nothing that was printed holds "63616e6172792d37663361396335316532"
    And no file of the state holds "Y2FuYXJ5LTdmM2E5YzUxZTI"
    And no file of the state holds "YW5hcnktN2YzYTljNTFlM"
    And no file of the state holds "Y2FuYXJ5"

  Scenario: A secret in an output is masked, and a step that would use it fails instead of getting `***`
    Given the plan:
      """
      plan:
        id: passing
        secrets: [API_TOKEN]
        steps:
          - id: give
            run: |
              echo "url=https://me:$API_TOKEN@example.org" >> "$FSM_OUTPUT"
              echo "size=7" >> "$FSM_OUTPUT"
            rollback: echo -give >> happened
          - {id: other, depends_on: give, run: [sh, -c, 'echo "$1" >> happened', sh, "{{ steps.give.outputs.size }}"]}
          - {id: take, depends_on: other, run: [sh, -c, 'echo "$1" >> happened', sh, "to {{ steps.give.outputs.url }}"]}
          - {id: after, depends_on: take, if: steps.give.outputs.url != "", run: "true"}
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 3
    And what happened is "7"
    And it prints, line by line:
      """
      ✓ Step 1: give - completed; output `url` held a secret and was masked: no step can use it
      ✗ Step 3: take - failed: output `url` of step `give` held a secret and was masked; …each step finds it in its environment
      ⚠ 1 give: output `url` held a secret and was masked: no step can use it
      """
    And no file of the state holds "canary-7f3a9c51e2"
    When I run `fsm resume --done take`
    Then it prints "✗ Step 4: after - failed: `if: …`: output `url` of step `give` held a secret"
    And nothing that was printed holds "canary-7f3a9c51e2"
    And what happened is "7 -give"

  Scenario: A runner killed while a secret lies in an output file leaves none behind
    Given the plan:
      """
      plan:
        id: killed
        secrets: [API_TOKEN]
        steps:
          - {id: give, run: 'echo "token=$API_TOKEN" >> "$FSM_OUTPUT"; echo "$API_TOKEN"; hold give'}
      """
    When I start `fsm run plan.yaml --yes`
    And "give" has begun
    And its runner is killed by kill -9
    And what "give" left running is killed
    And I run `fsm resume --done give`
    Then it exits with 0
    And no file of the state holds "canary-7f3a9c51e2"

  Scenario: A secret among the arguments of a process that outlives its runner
    Given the plan:
      """
      plan:
        id: arguments
        secrets: [API_TOKEN]
        steps:
          - {id: call, run: 'hold call "$API_TOKEN"'}
          - id: long
            depends_on: call
            run: |
              sh -c "hold left; :" 12345678901234567890123456789012345678901234567 "$API_TOKEN" &
              while [ ! -e left.began ]; do sleep 0.02; done
              exit 1
      """
    When I start `fsm run plan.yaml --yes`
    And "call" has begun
    And its runner is killed by kill -9
    And I run `fsm status`
    Then it prints "still at work: pid …of step call: …hold call ***"
    When I run `fsm status --json`
    And I run `fsm resume`
    Then it exits with 6
    And the error says "still at work: pid …hold call ***"
    When I let "call" end
    And I run `fsm resume --wait`
    Then it exits with 3
    And it prints "| [fsm] left running: pid … sh -c hold left; : …7 ***"
    When I run `fsm rollback --json`
    Then nothing that was printed holds "canary"
    And no file of the state holds "canary"

  Scenario: A secret in an output that cannot be read
    Given the plan:
      """
      plan:
        id: malformed
        secrets: [API_TOKEN]
        steps:
          - {id: give, run: 'echo "no equals sign but $API_TOKEN" >> "$FSM_OUTPUT"'}
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 3
    And it prints "✗ Step 1: give - failed: its FSM_OUTPUT cannot be read: …"
    And nothing that was printed holds "canary-7f3a9c51e2"
    And no file of the state holds "canary-7f3a9c51e2"

  Scenario: A secret that a dry run or a check prints
    Given the plan:
      """
      plan:
        id: rehearsal
        secrets: [API_TOKEN]
        steps:
          - {id: one, run: "true", dry_run: 'echo "refused: $API_TOKEN"; exit 1'}
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 2
    And the error says "step `one`, dry_run: …: refused: …"
    And nothing that was printed holds "canary-7f3a9c51e2"
    And no file below holds "canary-7f3a9c51e2"

  Scenario: A secret in the name of a command that is not there
    Given the plan:
      """
      plan:
        id: name
        secrets: [API_TOKEN]
        steps:
          - {id: call, run: '"./$API_TOKEN"'}
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 3
    And nothing that was printed holds "canary-7f3a9c51e2"
    And no file of the state holds "canary-7f3a9c51e2"

  Scenario Outline: A secret in the reason that a person gives: `<command>`
    Given the plan:
      """
      plan:
        id: reasons
        secrets: [API_TOKEN]
        steps: [{id: one, run: exit 1}]
      """
    And I have run `fsm run plan.yaml --yes`
    When I run `<command> --reason "canary-7f3a9c51e2 was stolen"`
    Then it exits with <code>
    And it prints "*** was stolen"
    And no file of the state holds "canary-7f3a9c51e2"

    Examples:
      | command             | code |
      | fsm mark one undone | 0    |
      | fsm rollback        | 4    |
      | fsm abort           | 0    |

  Scenario: A secret in the reason of an answer
    Given the plan:
      """
      plan:
        id: reasons
        secrets: [API_TOKEN]
        steps: [{id: one, run: exit 1}]
      """
    And I have run `fsm run plan.yaml --yes`
    When I run `fsm resume --done one --reason "canary-7f3a9c51e2 was stolen"`
    Then it exits with 0
    And no file of the state holds "canary-7f3a9c51e2"
    When I run `fsm log`
    Then it prints "done: one (*** was stolen)"

  Scenario: The plan and its digest know the name alone
    Given the plan:
      """
      plan:
        id: digest
        secrets: [API_TOKEN]
        steps: [{id: one, run: "true"}]
      """
    And I have run `fsm plan plan.yaml --json`
    And I note the "digest" it prints as "first"
    And the environment has API_TOKEN=another-value-entirely
    When I run `fsm plan plan.yaml --json`
    Then the "digest" it prints is still first
    And it prints "API_TOKEN"

  Scenario: A secret that is not set is found before anything runs
    Given the plan:
      """
      plan:
        id: unset
        secrets: [API_TOKEN, OTHER_TOKEN]
        steps: [{id: one, run: echo one >> happened}]
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 2
    And the error says "the secret OTHER_TOKEN is not set; set it with: export OTHER_TOKEN=…"
    And nothing happened

  Scenario: A run is not taken up without its secrets either
    Given the plan:
      """
      plan:
        id: later
        secrets: [API_TOKEN]
        steps:
          - {id: one, run: 'test -e mended && echo "$API_TOKEN" >> happened'}
      """
    And I have run `fsm run plan.yaml --yes`
    And there is a file "mended"
    When the environment has no API_TOKEN any more
    And I run `fsm resume`
    Then it exits with 2
    And the error says "the secret API_TOKEN is not set"
    And nothing happened
    And the run is "paused"

  Scenario: A value that stands in the plan is refused, and is not shown
    Given the plan:
      """
      plan:
        id: leak
        params: {token: ""}
        secrets: [API_TOKEN]
        steps: [{id: one, run: [echo, "{{ params.token }}"]}]
      """
    When I run `fsm run plan.yaml --yes -p token=canary-7f3a9c51e2`
    Then it exits with 2
    And the error says "the value of the secret API_TOKEN stands in the plan"
    And nothing that was printed holds "canary-7f3a9c51e2"
    And nothing happened
    And there is no file ".fsm"

  Scenario Outline: A value that stands where the plan is wrong is not shown with what is wrong: `<command>`
    Given the environment has LONG_TOKEN=canary-71-letters-long-0123456789012345678901234567890123456789012345
    And the plan:
      """
      plan:
        id: leak
        secrets: [API_TOKEN, LONG_TOKEN]
        steps:
          - {id: one, run: "true", retry: {attempts: canary-7f3a9c51e2}}
          - {id: two, run: "true", cwd: 7, timeout: canary-71-letters-long-0123456789012345678901234567890123456789012345}
      """
    When I run `<command>`
    Then it exits with 2
    And the error says "`retry.attempts` of step `one` must be a whole number, not `***`"
    And the error says "`timeout` of step `two` must be a duration such as `10m`, not `***`"
    When I run `<command> --json`
    Then it exits with 2
    And it prints one JSON document and nothing else
    And it prints "***"
    And nothing that was printed holds "canary"

    Examples:
      | command               |
      | fsm plan plan.yaml    |
      | fsm approve plan.yaml |
      | fsm run plan.yaml     |
      | fsm diagram plan.yaml |
      | fsm lint plan.yaml    |

  Scenario: What a skill's own Python code prints goes into the step's log, masked, and nowhere else
    Given the file "loud.py":
      """
      import sys
      from typing import Annotated

      from fsm import Secret, Skill

      print("imported")
      loud = Skill("loud")


      @loud.action(risk="read")
      def say(token: Annotated[str, Secret]) -> None:
          print("the token is", token)
          sys.stderr.write(token[:9])
          sys.stdout.buffer.write(token[9:].encode())
      """
    And the plan:
      """
      plan:
        id: loud
        skills: ["loud.py:loud"]
        secrets: [API_TOKEN]
        steps:
          - {id: say, skill: loud, action: say, params: {token: "{{ secrets.API_TOKEN }}"}}
      """
    When I run `fsm run plan.yaml --yes --json`
    Then it exits with 0
    And every line it prints is one JSON document
    And it does not print "imported"
    And it does not print "canary"
    When I run `fsm log --step say`
    Then it prints "the token is …"
