Feature: The release, rehearsed
  What the plan does when its steps fail. Nothing is really done: no repository is touched.

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
    And the step "test" was tried 3 times

  Scenario: A flaky test is tried once more, and nobody notices
    Given the step "test" fails 1 time, then succeeds
    When somebody runs the plan
    Then the run is completed
    And the report says "↻ Step 5: Run the tests - attempt 1 failed: exit code 1; to be tried again"

  Scenario: Tests that hang are ended
    Given the step "test" times out
    When somebody runs the plan
    Then the run is paused
    And the report says "timed out after 10m"

  Scenario: A release that is out is taken back, step by step, the last first
    When somebody runs the plan
    And "ann" rolls the run back
    Then the run is rolled back
    And the exit code is 4
    And the steps rolled back are "publish", "archive", "merge", "tag", "commit", "changelog", "bump" and "branch"
    And the steps "clean-tree" and "test" are completed

  Scenario: The second step that fails rolls everything back
    Given the step "test" fails 2 times, then succeeds
    And the step "publish" fails
    When somebody runs the plan
    Then the run is paused
    When somebody resumes the run
    Then the run is rolled back
    And the step "publish" is failed
    And the report says "because 2 steps failed: `test`, `publish`"

  Scenario: A tag that cannot be deleted calls for a person, who sees to it
    Given the rollback of "tag" fails
    When somebody runs the plan
    And somebody rolls the run back
    Then the run needs intervention
    And the exit code is 5
    And somebody is alerted that "manual intervention is needed; the rollback stopped"
    And the steps rolled back are "publish", "archive" and "merge"
    When "ann" marks "tag" as undone
    And somebody rolls the run back
    Then the run is rolled back
    And the step "tag" was marked by "ann"

  Scenario: The runner dies while it publishes, and the check finds out what became of it
    Given the step "publish" is interrupted
    And the check of "publish" finds it done
    When somebody runs the plan
    Then the run is paused
    And the step "publish" is interrupted
    When somebody resumes the run
    Then the run is completed
    And the step "publish" was tried 1 time

  Scenario: The runner dies while it commits: nobody but a person can tell what became of it
    Given the step "commit" is interrupted
    When somebody runs the plan
    And somebody resumes the run
    Then the run is paused
    And the step "tag" never ran
    When somebody resumes the run, answering that "commit" was done
    Then the run is completed
    And the step "commit" was tried 1 time

  Scenario: Somebody stops the release in the middle, and goes on later
    Given somebody pauses the run while "merge" runs
    When somebody runs the plan
    Then the run is paused
    And the exit code is 130
    And the step "merge" is completed
    And the steps "archive" and "publish" never ran
    When somebody resumes the run
    Then the run is completed

  Scenario: Nothing runs unapproved
    Given the plan "release.yaml"
    When somebody runs the plan
    Then it is refused because "`approved` does not hold"
    And the exit code is 6
    And nothing ran

  Scenario: An approval is for the plan as it was
    Given the plan "release.yaml"
    And the plan is approved by "ann"
    And the parameter "version" is "1.5.0"
    When somebody runs the plan
    Then it is refused because "`approved` does not hold"
    And nothing ran

  @real
  Scenario: Really, on a repository, and back
    Given the parameter "published" is "published"
    And `mkdir published && git init -q -b main && git config user.name Ann && git config user.email ann@example.org` has been run in the folder
    And the folder has the file "VERSION" with "1.3.0"
    And the folder has the file "CHANGELOG.md" with "## 1.3.0"
    And the folder has the file "run-tests.sh" with "true"
    And `git add --all && git commit -q -m Begin` has been run in the folder
    When somebody runs the plan
    Then the run is completed
    And the step "bump" returned "previous" as "1.3.0"
    And the file "VERSION" in the folder says "1.4.0"
    And the folder has the file "published/build-1.4.0.tar"
    When somebody rolls the run back
    Then the run is rolled back
    And the file "VERSION" in the folder says "1.3.0"
    And the folder has no file "published/build-1.4.0.tar"
