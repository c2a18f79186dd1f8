Feature: Prove a plan before it runs
  `fsm check` explores what may happen to a run of a plan, runs nothing, and tells each finding with a
  shortest scenario that reproduces it.

  Scenario: Of a plan that undoes what it did nothing is found, and it is told what was looked at
    Given the plan "release" of the specs
    When I run `fsm check plan.yaml`
    Then it exits with 0
    And it prints, line by line:
      """
      ✓ Release 1.4.0: nothing found
      explored: every outcome of every step, any number of failures
      … states of a run, … ways between them; where runs rest: …paused, 2 rolled back
      not explored: crashes of the runner…
      """
    And the folder holds only "plan.yaml"
    And the home folder is empty

  Scenario: A run can complete although what proves it failed, and the scenario that shows it holds
    Given the plan:
      """
      plan:
        id: shop
        steps:
          - {id: deploy, run: echo deploy >> happened, rollback: echo -deploy >> happened}
          - {id: smoke, depends_on: [deploy], run: "true", read_only: true, on_failure: continue}
      """
    When I run `fsm check plan.yaml -o found.feature`
    Then it exits with 1
    And it prints, line by line:
      """
      ✗ plan.yaml:5:7  a run can complete without `smoke`, which proves what `deploy` did
      take its `on_failure` away, or have another step prove it
      Scenario: …
      Given the approved plan "plan.yaml"
      And the step "smoke" fails
      When somebody runs the plan
      Then the run is completed
      And the step "deploy" is completed
      And the step "smoke" is failed
      ✗ shop: 1 finding
      """
    And nothing happened
    When I run `fsm test found.feature`
    Then it exits with 0

  Scenario: A rollback that nobody asked for leaves an irreversible step done
    Given the plan:
      """
      plan:
        id: shop
        error_handling: {single_failure: rollback}
        steps:
          - {id: mail, run: echo mail >> happened}
          - {id: build, depends_on: [mail], run: echo build >> happened, rollback: echo -build >> happened}
      """
    When I run `fsm check plan.yaml`
    Then it exits with 1
    And it prints, line by line:
      """
      ✗ plan.yaml:5:7  a run can end as rolled back by itself, with `mail` done and not undone: it has no rollback, and nobody is asked
      give it a `rollback`, or say `read_only: true`; …
      Scenario: …
      Given the approved plan "plan.yaml"
      And the step "build" fails
      When somebody runs the plan
      Then the run is rolled back
      And nobody is alerted
      And the step "mail" is completed
      ✗ shop: 1 finding
      """
    And nothing happened

  Scenario: An end of which a person is told is no finding
    Given the plan:
      """
      plan:
        id: shop
        error_handling: {multiple_failures: pause}
        steps:
          - {id: mail, run: echo mail >> happened}
          - {id: build, depends_on: [mail], run: echo build >> happened, rollback: echo -build >> happened}
      """
    When I run `fsm check plan.yaml`
    Then it exits with 0

  Scenario: A rollback that needs an output of its own step cannot undo it half-way
    Given the plan:
      """
      plan:
        id: server
        steps:
          - id: create
            run: echo "id=17" >> "$FSM_OUTPUT"
            rollback: {run: [echo, destroy, "{{ steps.create.outputs.id }}"], on: started}
      """
    When I run `fsm check plan.yaml`
    Then it exits with 1
    And it prints, line by line:
      """
      ✗ plan.yaml:4:7  the rollback of `create` can begin when output `id` of `create` is not there
      And the step "create" fails
      When somebody runs the plan
      And somebody rolls the run back
      Then the run is needs intervention
      And somebody is alerted
      """

  Scenario: A condition that no run makes true
    Given the plan:
      """
      plan:
        id: deploy
        steps:
          - {id: copy, run: echo copy >> happened, rollback: echo -copy >> happened}
          - id: tell
            depends_on: [copy]
            if: steps.copy.state == 'failed'
            run: echo tell >> happened
            read_only: true
      """
    When I run `fsm check plan.yaml`
    Then it exits with 1
    And it prints, line by line:
      """
      ✗ plan.yaml:5:7  `if: steps.copy.state == 'failed'` of `tell` is always false: the step never runs
      Given the approved plan "plan.yaml"
      When somebody runs the plan
      Then the run is completed
      And the step "tell" never ran
      And the step "tell" is skipped
      """

  Scenario: What only these parameters leave out is told, and is no finding
    Given the plan "reference" of the specs
    When I run `fsm check plan.yaml`
    Then it exits with 0
    And it prints "? with these parameters `announce` is skipped: `if: params.target == "production"`"

  Scenario: What cannot be undone comes before what is likely to fail
    Given the plan "deploy" of the specs
    When I run `fsm check plan.yaml --ignore left_behind`
    Then it exits with 1
    And it prints, line by line:
      """
      ✗ plan.yaml:24:7  `migrate` cannot be undone, and `switch`, which is tried up to 3 times, can fail after it
      run `switch` first, give it a `dry_run`, or give it a `rollback`
      And the step "switch" fails
      Then the run is paused
      And the step "migrate" is completed
      And the step "switch" is failed
      ✗ Deploy 2.0.1: 1 finding
      """

  Scenario: As JSON
    Given the plan "deploy" of the specs
    When I run `fsm check plan.yaml --failures 1 --json`
    Then it exits with 1
    And it prints one JSON document and nothing else
    And its JSON has "findings.0.kind" "irreversible_first"
    And its JSON has "findings.0.steps" ["switch"]
    And its JSON has "findings.0.others" ["migrate"]
    And its JSON has "findings.0.line" 24
    And its JSON has "explored.failures" 1
    And its JSON has "explored.complete" true

  Scenario: The bounds are told, and a plan that is too large for them is not called proved
    Given a plan of 40 steps, every third of which cannot be undone
    When I run `fsm check plan.yaml`
    Then it exits with 1
    And it prints "explored: every outcome of every step, up to 2 failures, up to 1 failed rollback"
    When I run `fsm check plan.yaml --failures 0 --states 20`
    Then it exits with 0
    And it prints "? long: nothing found in what was looked at"
    When I run `fsm check plan.yaml --states 20`
    Then it prints "but for the bound of 20 states, so that only runs in which fewer than 1 thing go wrong"

  Scenario: The scenarios of all findings as a feature file
    Given the plan "deploy" of the specs
    When I run `fsm check plan.yaml -o found.feature`
    Then it exits with 1
    And the file "found.feature" begins with "Feature: What was found of Deploy 2.0.1"
    When I run `fsm test found.feature`
    Then it exits with 0
    And it prints "✓ 2 scenarios: all hold"
    When I run `fsm check plan.yaml -o plan.yaml`
    Then it exits with 2
    And the error says "plan.yaml is no feature file; name it SOMETHING.feature"

  Scenario: A plan that is wrong
    Given the plan:
      """
      plan:
        id: wrong
        steps:
          - {id: one, run: "true", need: [two]}
      """
    When I run `fsm check plan.yaml`
    Then it exits with 2
    And the error says "plan.yaml:4:30  step `one` has no key `need`"
    When I run `fsm check plan.yaml --exhaustive --failures 1`
    Then it exits with 2
    When I run `fsm check nowhere.yaml`
    Then it exits with 2
    And the error says "nowhere.yaml  does not exist"

  Scenario: The value of a secret is not shown
    Given the plan:
      """
      plan:
        id: telling
        params: {word: none}
        secrets: [TOKEN]
        steps:
          - {id: one, run: "true", if: params.word == 'x'}
      """
    And the environment has TOKEN=open-sesame-17
    When I run `fsm check plan.yaml -p word=open-sesame-17`
    Then it exits with 2
    And the error says "the value of the secret TOKEN stands in the plan"
    And nothing that was printed holds "open-sesame-17"
