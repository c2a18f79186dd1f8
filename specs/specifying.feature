Feature: Specifications of one's own plans
  Somebody who writes no Python puts `build.feature` beside `build.yaml` and runs `fsm test`.

  Background:
    Given the file "build.yaml":
      """
      plan:
        id: build
        steps:
          - {id: compile, run: touch compiled, rollback: rm compiled}
          - {id: check, run: touch checked, depends_on: compile, retry: {attempts: 2, delay: 1h}}
          - {id: ship, run: touch shipped, depends_on: check, rollback: rm shipped}
      """
    And the file "build.feature":
      """
      Feature: The build

        Background:
          Given the approved plan "build.yaml"

        Scenario: All goes well
          When somebody runs the plan
          Then the run is completed
          And the steps started are "compile", "check" and "ship"

        Scenario: A check that fails twice, an hour apart, pauses it
          Given the step "check" fails
          When somebody runs the plan
          Then the run is paused
          And the step "ship" never ran
      """

  Scenario: They hold, and nothing was done
    When I run `fsm test`
    Then it exits with 0
    And it prints "build.feature"
    And it prints "  ✓ All goes well"
    And it prints "  ✓ A check that fails twice, an hour apart, pauses it"
    And it prints "✓ 2 scenarios: all hold (…s)"
    And the folder holds only "build.feature build.yaml"

  Scenario: One that does not hold says what happened instead
    Given the file "wrong.feature":
      """
      Feature: A misunderstanding
        Scenario: It rolls back by itself
          Given the approved plan "build.yaml"
          And the step "ship" fails
          When somebody runs the plan
          Then the run is rolled back
      """
    When I run `fsm test wrong.feature`
    Then it exits with 1
    And it prints, line by line:
      """
      ✗ It rolls back by itself
      wrong.feature:6  Then the run is rolled back
      the run is paused
      ✗ Step 3: ship - failed: exit code 1
      ✗ 1 scenario: 1 failed (…s)
      """

  Scenario: A sentence that there is not, and a step that there is not
    Given the file "wrong.feature":
      """
      Feature: Slips of the pen
        Background:
          Given the approved plan "build.yaml"
        Scenario: A sentence
          When somebody run a plan
        Scenario: A step
          Given the step "chek" fails
      """
    When I run `fsm test`
    Then it exits with 1
    And it prints, line by line:
      """
      there is no such sentence; the nearest are:
      When somebody runs the plan
      the plan build has no step `chek`; did you mean `check`?
      ✗ 4 scenarios: 2 failed (…s)
      """

  Scenario: A feature that cannot be read
    Given the file "wrong.feature":
      """
      Feature: Not Gherkin
        Scenario: One
          Given the approved plan "build.yaml"
          Ten it goes on
      """
    When I run `fsm test wrong.feature`
    Then it exits with 2
    And it prints "✗ wrong.feature:4"

  Scenario: What was exercised, and what was not
    When I run `fsm test --coverage`
    Then it exits with 0
    And it prints, line by line:
      """
      build.yaml: … % exercised, … of …
      ✗ plan: pause running → paused
      ✗ step: undo …
      ✗ step compile: failure
      ✗ step compile: rollback
      ✗ step ship: rollback failure
      """
    And it does not print "✗ step check: failure"
    And it does not print "✗ step check: retry"
    And it does not print "idempotent"
    When I run `fsm test --fail-under 90`
    Then it exits with 1
    And it prints "✗ build.yaml: … % exercised, less than 90 %"

  Scenario: What was exercised, in colours
    When I run `fsm test --diagram build.svg`
    Then it exits with 0
    And it prints "✓ build.svg drawn"
    And the file "build.svg" begins with "<svg"
    When I run `fsm test --diagram build.mmd --view machine`
    Then it exits with 0
    And the file "build.mmd" begins with "---"
    When I run `fsm test --diagram build.yaml`
    Then it exits with 2
    And the error says "build.yaml is the plan itself; name another file for -o"

  Scenario: For programs
    When I run `fsm test --coverage --json`
    Then it exits with 0
    And it prints one JSON document and nothing else
    And its JSON has "exit_code" 0
    And its JSON has "scenarios.0.scenario" "All goes well"
    And its JSON has "scenarios.0.feature" "build.feature"
    And its JSON has "scenarios.0.line" 6
    And its JSON has "scenarios.0.holds" true
    And its JSON has "coverage.0.name" "build"

  Scenario: Only some of them
    When I run `fsm test -k "fails twice"`
    Then it exits with 0
    And it prints "✓ 1 scenario: all hold"
    When I run `fsm test -k "FAILS twice, an hour"`
    Then it exits with 0
    And it prints "✓ 1 scenario: all hold"
    When I run `fsm test -k nothing`
    Then it exits with 2
    And the error says "there is no scenario whose name has `nothing` in it in ."
    When I run `fsm test -k "don't ("`
    Then it exits with 2
    And the error says "there is no scenario whose name has `don't (` in it in ."

  Scenario: One that is skipped does not count as one that holds
    Given the file "later.feature":
      """
      Feature: Later
        @skip
        Scenario: Not yet
          Given the approved plan "build.yaml"
          Then the run is completed
      """
    When I run `fsm test later.feature build.feature`
    Then it exits with 0
    And it prints, line by line:
      """
      - Not yet
      ✓ All goes well
      ✓ 3 scenarios: 1 skipped, all others hold (…s)
      """

  Scenario: A project whose pytest is set up for other things
    Given the file "conftest.py":
      """
      print("a conftest.py speaks")
      """
    And the file "pytest.ini":
      """
      [pytest]
      addopts = -n 2
      """
    When I run `fsm test --json`
    Then it exits with 0
    And it prints one JSON document and nothing else
    And its JSON has "scenarios.1.holds" true
    Given the file "pytest.ini":
      """
      [pytest]
      addopts = --collect-only
      """
    When I run `fsm test`
    Then it exits with 2
    And the error says "the settings of pytest here keep it from running anything"

  Scenario: Nothing to test
    When I run `fsm test nowhere`
    Then it exits with 2
    And the error says "there is no `nowhere`; name a feature, or a folder of them"
    When I run `fsm test build.yaml`
    Then it exits with 2
    And the error says "`build.yaml` is no feature; did you mean `build.feature`?"
    Given the file "a [1].feature":
      """
      Feature: A name that pytest takes for something else
      """
    When I run `fsm test 'a [1].feature'`
    Then it exits with 2
    And the error says "pytest takes no `a [1].feature`, for the `[` or `::` in it; rename it, …"
    When I make the folder "empty"
    And I run `fsm test empty`
    Then it exits with 2
    And the error says "there is no feature in empty; name one, or write one beside a plan: fsm spec generate PLAN"

  Scenario: Every sentence there is
    When I run `fsm test --sentences`
    Then it exits with 0
    And it prints, line by line:
      """
      Given or When the step "STEP" fails N time(s), then succeeds
      When somebody runs the plan
      Then the run is STATE
      When the trigger "TRIGGER" fires
      """

  Scenario: Settings of pytest that it does not take
    Given the file "pytest.ini":
      """
      [pytest]
      addopts = --nonsense
      """
    When I run `fsm test`
    Then it exits with 2
    And the error says "unrecognized arguments: --nonsense"
    And the error says "pytest does not take its settings here; mend what is said above"

  Scenario: Without pytest
    Given the library pytest-bdd is not installed
    When I run `fsm test`
    Then it exits with 2
    And the error says "`fsm test` needs pytest and pytest-bdd, which are not installed; pip install 'fsm[bdd]'"

  Scenario: A specification to begin with, which reaches everything
    Given the file "ship.yaml":
      """
      plan:
        id: ship
        steps:
          - {id: pack, run: touch packed, rollback: rm packed}
          - {id: send, run: touch sent, depends_on: pack, timeout: 1m, check: test -e sent}
      """
    When I run `fsm spec generate ship.yaml`
    Then it exits with 0
    And it prints "✓ ship.feature: … scenarios generated"
    And it prints "rehearse them with: fsm test ship.feature"
    When I run `fsm test ship.feature --fail-under 100`
    Then it exits with 0
    And it prints "✓ A step fails: the run is paused"

  Scenario: Written again, it keeps what was edited
    Given I have run `fsm spec generate build.yaml -o other.feature`
    When "Scenario: All is undone, the last first" is changed to "Scenario: Back it goes" in the file "other.feature"
    And I run `fsm spec generate build.yaml -o other.feature`
    And I run `fsm test other.feature`
    Then it exits with 0
    And it prints "✓ Back it goes"
    And it prints "✓ All is undone, the last first"

  Scenario: What cannot be written from
    When I run `fsm spec generate nowhere.yaml`
    Then it exits with 2
    And the error says "there is no plan `nowhere.yaml`"
    When I run `fsm spec generate build.yaml -o nowhere/build.feature`
    Then it exits with 2
    And the error says "there is no folder nowhere; make it, or name another"
    Given the file "notes.txt":
      """
      written by hand
      """
    When I run `fsm spec generate build.yaml -o notes.txt`
    Then it exits with 2
    And the error says "notes.txt is there, and is no feature; name another file for -o"
    When I run `fsm spec generate build.yaml -o build.yaml`
    Then it exits with 2
    And the error says "build.yaml is the plan itself; name another file for -o"
