Feature: A release of ten steps, on a real git repository

  Background:
    Given a git repository with one commit on its branch main
    And the file "VERSION":
      """
      1.3.2
      """
    And the file "CHANGELOG.md":
      """
      ## 1.3.2
      """
    And the file "run-tests.sh":
      """
      test ! -e broken
      """
    And its files are committed
    And there is a folder "../published"
    And the plan "release" of the specs
    And I note how the repository is
    And the plan is approved

  Scenario: It completes
    When I run `fsm run plan.yaml`
    Then it exits with 0
    And its branches are "main release/1.4.0", and it is on "main"
    And its tags are "v1.4.0"
    And the newest commits of "main" are "Merge release 1.4.0, Add files, Begin"
    And the file "VERSION" reads "1.4.0"
    And the file "CHANGELOG.md" reads:
      """
      ## 1.4.0 (after 1.3.2)

      ## 1.3.2
      """
    And there is a file "../published/build-1.4.0.tar"

  Scenario: A failing test pauses it, and a rollback leaves the repository exactly as it was
    Given there is a file "broken"
    And I note how the repository is
    When I run `fsm run plan.yaml`
    Then it exits with 3
    And it prints "✗ Step 5: Run the tests - failed"
    And the file "VERSION" reads "1.4.0"
    When I run `fsm rollback`
    Then it exits with 4
    And its branches are "main", and it is on "main"
    And the repository is exactly as it was

  Scenario: A failing test is mended, and the release goes on where it stood
    Given there is a file "broken"
    And I have run `fsm run plan.yaml`
    When I remove the file "broken"
    And I run `fsm resume`
    Then it exits with 0
    And its tags are "v1.4.0"
    And there is a file "../published/build-1.4.0.tar"

  Scenario: A release that is out is taken back, step by step
    Given I have run `fsm run plan.yaml`
    When I run `fsm rollback --reason "the archive is broken"`
    Then it exits with 4
    And there is no file "../published/build-1.4.0.tar"
    And its tags are ""
    And its branches are "main", and it is on "main"
    And the repository is exactly as it was

  Scenario: Another version by a parameter
    Given I have run `fsm approve plan.yaml -p version=1.5.0`
    When I run `fsm run plan.yaml -p version=1.5.0`
    Then it exits with 0
    And its tags are "v1.5.0"
    And there is a file "../published/build-1.5.0.tar"

  Scenario: Killed while it tests, it goes on by itself
    Given I write the file "run-tests.sh":
      """
      hold tests
      """
    And its files are committed
    When I start `fsm run plan.yaml`
    And "tests" has begun
    And its runner is killed by kill -9
    And what "tests" left running is killed
    And I let "tests" end
    And I run `fsm resume`
    Then it exits with 0
    And its tags are "v1.4.0"
    And the file "VERSION" reads "1.4.0"
