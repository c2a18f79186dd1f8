Feature: The release, rehearsed
  What the plan does when its steps fail, without touching any repository.

  Background:
    Given the approved plan "release.yaml"

  Scenario: All goes well
    When somebody runs the plan
    Then the run is completed
    And the exit code is 0
    And every step is completed
    And nobody is alerted

  Scenario: A test that fails pauses the release; mended, it goes on
    Given the step "test" fails
    When somebody runs the plan
    Then the run is paused
    And the exit code is 3
    And the step "test" was tried 2 times
    And the steps "commit", "tag", "merge", "archive" and "publish" never ran
    And the report says "✗ Step 5: Run the tests - failed: exit code 1"
    When the step "test" succeeds
    And somebody resumes the run
    Then the run is completed
