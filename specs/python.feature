Feature: Functions as steps
  The skill `python` calls a function that the plan names. What the function's file says is part of what is
  approved.

  Background:
    Given the file "tasks.py":
      """
      import subprocess

      open("imported", "a").close()


      def build(name: str, times: int = 1) -> dict[str, object]:
          print("building", name)
          return {"size": times * 2, "names": [name] * times}


      def hold(name: str) -> str:
          subprocess.run(["hold", name], check=True)
          return "held"
      """
    And the plan:
      """
      plan:
        id: build
        params: {name: app}
        steps:
          - id: build
            skill: python
            action: call
            params: {function: "tasks.py:build", args: {name: "{{ params.name }}", times: 3}}
          - id: use
            depends_on: build
            env: {SIZE: "{{ steps.build.outputs.size + 1 }}", NAMES: "{{ steps.build.outputs.names | join('+') }}"}
            run: echo "$SIZE $NAMES" > used
      """

  Scenario: What it returns are outputs of their types
    When I run `fsm run plan.yaml --yes`
    Then it exits with 0
    And the file "used" reads "7 app+app+app"
    And the file ".fsm/logs/{run}/build.1.log" reads "building app"

  Scenario: Validation imports nothing, and finds an argument that the function does not take
    When I run `fsm validate plan.yaml`
    Then it exits with 0
    And there is no file "imported"
    When I change "times: 3" to "tmes: 3" in the plan
    And I run `fsm run plan.yaml --yes`
    Then it exits with 2
    And the error says "tasks.py:build takes no argument `tmes`"
    And there is no file "imported"

  Scenario: A function that is not there is found where the plan names it
    When I change "tasks.py:build" to "task.py:build" in the plan
    And I run `fsm plan plan.yaml`
    Then it exits with 2
    And the error says "plan.yaml:8:16  there is no"

  Scenario Outline: What names no code in plain words is refused where it stands
    When I change "function: "tasks.py:build"" to "<given>" in the plan
    And I run `fsm plan plan.yaml`
    Then it exits with 2
    And the error says "plan.yaml:8:16  <said>"

    Examples:
      | given                                                       | said                                                              |
      | function: ""                                                | `` names no function; write `module:function`                     |
      | function: {a: b}                                            | `params.function` of step `build` must be text                    |
      | function: "tasks.py:build", import_from: [a]                | `import_from` must be plain text, so that the code can be approved |
      | function: "tasks.py:build", import_from: "{{ run.id }}"      | `import_from` must be plain text, so that the code can be approved |

  Scenario: A function that only a step's output would name cannot be approved
    Given the plan:
      """
      plan:
        id: late
        steps:
          - {id: choose, run: echo "f=os:getcwd" >> "$FSM_OUTPUT"}
          - id: call
            depends_on: choose
            skill: python
            action: call
            params: {function: "{{ steps.choose.outputs.f }}"}
      """
    When I run `fsm plan plan.yaml`
    Then it exits with 2
    And the error says "is not known before the plan runs; name the code plainly, so that it can be approved"

  Scenario: A file that was changed after the approval is not run
    Given the plan is approved
    When I write the file "tasks.py":
      """
      def build(name: str, times: int = 1) -> None:
          open("pwned", "w").close()
      """
    And I run `fsm run plan.yaml`
    Then it exits with 6
    And there is no file "pwned"

  Scenario: What a skill writes past Python, with stdout closed, goes into nothing that fsm has open
    Given the file "loud.py":
      """
      import os

      from fsm import Skill

      loud = Skill("loud", "Make noise.")


      @loud.action
      def shout() -> None:
          "Make noise."
          os.write(1, b"noise")
      """
    And the plan:
      """
      plan:
        id: loud
        skills: ["./loud.py:loud"]
        steps:
          - {id: first, run: touch first}
          - {id: shout, depends_on: first, skill: loud, action: shout}
          - {id: last, depends_on: shout, run: touch last}
      """
    When I run `fsm run plan.yaml --yes` with `>&-`
    Then it exits with 7
    And the run is "completed"

  Scenario: A file that was changed while its run was paused is not run
    Given the plan:
      """
      plan:
        id: paused
        steps:
          - {id: first, run: test -e ready}
          - {id: build, depends_on: first, skill: python, action: call, params: {function: "tasks.py:build", args: {name: x}}}
      """
    And I have run `fsm run plan.yaml --yes`
    And there is a file "ready"
    When I write the file "tasks.py":
      """
      def build(name: str) -> None:
          open("pwned", "w").close()
      """
    And I run `fsm resume`
    Then it exits with 4
    And it prints "tasks.py:build is not as it was approved"
    And there is no file "pwned"

  Scenario: The runner dies while the function is called; its end and what it returned are found
    Given the plan:
      """
      plan:
        id: held
        steps:
          - {id: hold, skill: python, action: call, params: {function: "tasks.py:hold", args: {name: middle}}}
          - {id: use, depends_on: hold, env: {RESULT: "{{ steps.hold.outputs.result }}"}, run: echo "$RESULT" > used}
      """
    When I start `fsm run plan.yaml --yes`
    And "middle" has begun
    And its runner is killed by kill -9
    And I let "middle" end
    And nobody looks after its steps any more
    And I run `fsm resume`
    Then it exits with 0
    And the journal tells:
      """
      hold started
      hold completed
      runner lost, resumed
      use started, use completed
      """
    And the file "used" reads "held"

  Scenario: A function that goes on too long is ended, with what it started
    Given the plan:
      """
      plan:
        id: slow
        steps:
          - {id: hold, skill: python, action: call, timeout: 2s, params: {function: "tasks.py:hold", args: {name: middle}}}
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 3
    And it prints "timed out"
    And the process in "middle.began" is gone

  Scenario: Beside a plan that lies elsewhere
    Given the file "sub/tasks.py":
      """
      def build(name: str, times: int) -> dict[str, object]:
          return {"size": 0, "names": ["sub"]}
      """
    And the plan is in the folder "sub"
    When I run `fsm run sub/plan.yaml --yes`
    Then it exits with 0
    And the file "used" reads "1 sub"
