Feature: A deployment, rehearsed without a server

  Background:
    Given the approved plan "deploy.yaml"

  Scenario: Traffic that does not switch leaves the old version on
    Given the step "switch" fails
    When somebody runs the plan
    Then the run is paused
    And the step "switch" was tried 3 times
    When somebody rolls the run back
    Then the run is rolled back
    And the steps rolled back are "switch" and "build"
    And the report says "cannot be undone: 2 Migrate the database"

  Scenario: A build that takes too long is ended
    Given the step "build" takes 10m
    When somebody runs the plan
    Then the run is paused
    And the report says "✗ Step 1: Build the package - failed: timed out after 5m"
    And the steps "migrate" and "switch" never ran

  Scenario: Nothing is switched nowhere
    Given the parameter "host" is "nowhere"
    When somebody runs the plan
    Then the run is completed
    And the step "switch" is skipped
    And the step "switch" never ran

  Scenario Outline: Nobody knows whether the traffic was switched, and the check <finds>
    Given the step "switch" is interrupted
    And the check of "switch" <finds>
    When somebody runs the plan
    And somebody resumes the run
    Then the run is <state>
    And the step "switch" was tried <times> times

    Examples:
      | finds             | state     | times |
      | finds it done     | completed | 1     |
      | finds it not done | completed | 2     |
      | cannot tell       | paused    | 1     |
