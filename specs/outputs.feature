Feature: Outputs flow
  What a step gives is used by the steps after it, by their conditions, and by its own rollback; with the type
  that it was given.

  Scenario: Values of every type reach later steps, conditions and the rollback
    Given the file "counting.py":
      """
      import fsm
      from pathlib import Path

      counting = fsm.Skill("counting")


      @counting.action(outputs=["total", "names"], risk="read")
      def add(numbers: list[int], more: float = 0.0) -> dict:
          return {"total": sum(numbers) + more, "names": {"first": "a b", "big": sum(numbers) > 10}}
      """
    And the plan:
      """
      plan:
        id: flow
        skills: ["counting.py:counting"]
        steps:
          - id: measure
            run: |
              echo "text=7" >> "$FSM_OUTPUT"
              echo "numbers:json=[4, 7]" >> "$FSM_OUTPUT"
            rollback: {run: [sh, -c, 'echo "undo $1" >> happened', sh, "{{ steps.measure.outputs.numbers | join('+') }}"]}
          - id: add
            skill: counting
            action: add
            params: {numbers: "{{ steps.measure.outputs.numbers }}", more: 0.5}
            depends_on: measure
          - id: big
            if: steps.add.outputs.names.big and steps.add.outputs.total > 11
            run: [sh, -c, 'echo "$1" >> happened', sh, "{{ steps.add.outputs.total }} {{ steps.add.outputs.names.first }}"]
            depends_on: add
          - id: small
            if: steps.measure.outputs.numbers | length < 2
            run: echo small >> happened
            depends_on: big
          - id: whole
            run: |
              printf '{\n  "list": [1, {"x": null}],\n  "ok": true\n}\n' > "$FSM_OUTPUT"
            depends_on: small
          - id: last
            if: steps.whole.outputs.ok
            run: [sh, -c, 'echo "$1" >> happened', sh, "{{ steps.whole.outputs.list | tojson }}"]
            depends_on: whole
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 0
    And the file "happened" reads:
      """
      11.5 a b
      [1, {"x": null}]
      """
    When I run `fsm rollback`
    Then it exits with 4
    And the file "happened" reads:
      """
      11.5 a b
      [1, {"x": null}]
      undo 4+7
      """

  Scenario: A number and a truth value are arguments like text; what is no single argument says what to write
    Given the plan:
      """
      plan:
        id: arguments
        error_handling: {single_failure: continue}
        steps:
          - id: measure
            run: |
              echo "coverage:json=93.5" >> "$FSM_OUTPUT"
              echo "green:json=true" >> "$FSM_OUTPUT"
              echo "files:json=[1, 2]" >> "$FSM_OUTPUT"
              echo "nothing:json=null" >> "$FSM_OUTPUT"
          - id: use
            run: [sh, -c, 'echo "$*" >> happened', sh, "{{ steps.measure.outputs.coverage }}", "{{ steps.measure.outputs.green }}"]
            depends_on: measure
          - {id: several, run: [echo, "{{ steps.measure.outputs.files }}"], depends_on: measure, on_failure: continue}
          - {id: none, run: [echo, "{{ steps.measure.outputs.nothing }}"], depends_on: measure, on_failure: continue}
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 0
    And what happened is "93.5 true"
    And it prints "✗ Step 3: several - failed: element 2 of the command: a list cannot stand for text; write `{{ … | join(' ') }}` or `| tojson`"
    And it prints "✗ Step 4: none - failed: element 2 of the command: an empty value cannot stand for text; write `{{ … or '' }}`"

  Scenario: What is not JSON is said with its line
    Given the plan:
      """
      plan:
        id: flow
        steps:
          - {id: measure, run: 'echo "n:json=[1," >> "$FSM_OUTPUT"'}
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 3
    And it prints "its FSM_OUTPUT cannot be read: line 1: the value is not JSON: expecting value"

  Scenario: A secret in what a function returns is masked, and nobody is given `***`
    Given the environment has API_TOKEN=canary-7f3a9c51e2
    And the file "leaky.py":
      """
      import os
      import fsm

      leaky = fsm.Skill("leaky")


      @leaky.action(risk="read")
      def read() -> dict:
          return {"deep": {"list": ["x", os.environ["API_TOKEN"]]}, "size": 3}
      """
    And the plan:
      """
      plan:
        id: flow
        secrets: [API_TOKEN]
        skills: ["leaky.py:leaky"]
        steps:
          - {id: give, skill: leaky, action: read}
          - {id: size, run: [echo, "{{ steps.give.outputs.size }}"], depends_on: give}
          - {id: take, run: [echo, "{{ steps.give.outputs.deep.list[0] }}"], depends_on: size}
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 3
    And it prints "✓ Step 2: size - completed"
    And it prints "✗ Step 3: take - failed: output `deep` of step `give` held a secret and was masked"
    And no file of the state holds "canary-7f3a9c51e2"

  Scenario: A large output is a file that is kept with the run
    Given the plan:
      """
      plan:
        id: flow
        steps:
          - id: build
            run: |
              seq 300000 > report.txt
              echo "report:file=report.txt" >> "$FSM_OUTPUT"
            rollback: {run: [sh, -c, 'tail -n 1 "$1" >> happened', sh, "{{ steps.build.outputs.report }}"]}
          - id: use
            run: [sh, -c, 'rm report.txt; wc -l < "$1" >> happened', sh, "{{ steps.build.outputs.report }}"]
            depends_on: build
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 0
    And what happened is "300000"
    And nobody else may read the state folder or anything in it
    When I run `fsm rollback`
    Then it exits with 4
    And what happened is "300000 300000"
