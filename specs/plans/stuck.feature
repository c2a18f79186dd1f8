Feature: A rollback that gets stuck

  Background:
    Given the approved plan "stuck.yaml"
    And the step "four" fails
    And the rollback of "two" fails

  Scenario: Somebody is called, and the rollback goes on once the server is up
    When somebody runs the plan
    Then the run is paused
    And nobody is alerted
    When somebody rolls the run back
    Then the run needs intervention
    And somebody is alerted that "ALERT: stuck: manual intervention is needed"
    And the exit code is 5
    And the steps rolled back are "three"
    When the rollback of "two" succeeds
    And somebody rolls the run back
    Then the run is rolled back
    And the steps rolled back are "three", "two" and "one"
    And the rollback of "two" was tried 2 times

  Scenario: The run dies in the middle of its rollback
    Given the rollback of "two" is interrupted
    When somebody runs the plan
    And somebody rolls the run back
    Then the run is rolling back
    When somebody rolls the run back
    Then the run is rolled back

  Scenario: All at once
    Given up to 4 steps run at once
    When somebody runs the plan
    Then at most 4 steps ran at the same time
    And the steps "one" and "four" ran at the same time
    And the run is paused
