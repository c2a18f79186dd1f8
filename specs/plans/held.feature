Feature: Three steps

  Background:
    Given the approved plan "held.yaml"

  # generated 13fd9e3f4875: edit it, and it is yours
  Scenario: All goes well
    When somebody runs the plan
    Then the run is completed
    And the exit code is 0

  # generated eb22b98e7a62: edit it, and it is yours
  Scenario Outline: A step fails: the run is paused
    Given the step "<step>" fails
    When somebody runs the plan
    Then the run is paused
    And the exit code is 3
    And the step "<step>" is failed
    And the step "<step>" was tried <times> times

    Examples:
      | step   | times |
      | first  | 1     |
      | middle | 1     |
      | last   | 1     |

  # generated 5ee6a6e16a9d: edit it, and it is yours
  Scenario: All is undone, the last first
    When somebody runs the plan
    Then the run is completed
    And the exit code is 0
    When somebody rolls the run back
    Then the run is rolled back
    And the exit code is 4
    And the steps rolled back are "last", "middle" and "first"

  # generated 151e68f8c6f9: edit it, and it is yours
  Scenario Outline: A rollback fails: the run needs intervention
    Given the rollback of "<step>" fails
    When somebody runs the plan
    And somebody rolls the run back
    Then the run needs intervention
    And the exit code is 5
    And the step "<step>" is rollback failed
    And the rollback of "<step>" was tried <times> times

    Examples:
      | step   | times |
      | first  | 1     |
      | middle | 1     |
      | last   | 1     |

  # generated 8cd37c5b4489: edit it, and it is yours
  Scenario: Somebody stops it while `middle` runs, and it goes on later
    Given somebody pauses the run while "middle" runs
    When somebody runs the plan
    Then the run is paused
    And the exit code is 130
    When somebody resumes the run
    Then the run is completed
    And the exit code is 0

  # generated a7a6695829db: edit it, and it is yours
  Scenario: Somebody stops it while `middle` runs, which takes too long to wait for
    Given the step "middle" takes 1h
    And somebody pauses the run while "middle" runs
    When somebody runs the plan
    Then the run is paused
    And the exit code is 130
    And the step "middle" is failed

  # generated e9e84faf4533: edit it, and it is yours
  Scenario: `middle` is mended, and it goes on
    Given the step "middle" fails
    When somebody runs the plan
    Then the run is paused
    And the exit code is 3
    And the step "middle" is failed
    When the step "middle" succeeds
    And somebody resumes the run
    Then the run is completed
    And the exit code is 0

  # generated 6e5752a9d813: edit it, and it is yours
  Scenario: `middle` fails after somebody has stopped it
    Given the step "middle" fails
    And somebody pauses the run while "middle" runs
    When somebody runs the plan
    Then the run is paused
    And the exit code is 130
    And the step "middle" is failed

  # generated e15cad55ced1: edit it, and it is yours
  Scenario: The runner dies while `middle` runs, and a person says that it may run again
    Given the step "middle" is interrupted
    When somebody runs the plan
    Then the run is paused
    And the step "middle" is interrupted
    When somebody resumes the run
    Then the run is paused
    And the exit code is 3
    And the step "middle" is interrupted
    When somebody resumes the run, answering that "middle" may run again
    Then the run is completed
    And the exit code is 0

  # generated 1b8671cb8c7d: edit it, and it is yours
  Scenario: The runner dies while `middle` runs, after somebody has stopped it
    Given the step "middle" is interrupted
    And somebody pauses the run while "middle" runs
    When somebody runs the plan
    Then the run is paused
    And the step "middle" is interrupted

  # generated 75c0af4fce40: edit it, and it is yours
  Scenario: Nobody knows what `middle` left, so a person sees to it before the rest is undone
    Given the step "middle" is interrupted
    When somebody runs the plan
    Then the run is paused
    And the step "middle" is interrupted
    When somebody rolls the run back
    Then the run needs intervention
    And the exit code is 5
    And the step "middle" is interrupted
    When "ann" marks "middle" as undone
    Then the run needs intervention
    And the exit code is 0
    When somebody rolls the run back
    Then the run is rolled back
    And the exit code is 4
    And the steps rolled back are "first"

  # generated 108758f4c676: edit it, and it is yours
  Scenario: Somebody stops the rollback while `middle` is undone, and it goes on later
    Given somebody pauses the run while "middle" is rolled back
    When somebody runs the plan
    Then the run is completed
    And the exit code is 0
    When somebody rolls the run back
    Then the run needs intervention
    And the exit code is 130
    And the steps rolled back are "last" and "middle"
    When somebody rolls the run back
    Then the run is rolled back
    And the exit code is 4
    And the steps rolled back are "last", "middle" and "first"

  # generated d99a122ede01: edit it, and it is yours
  Scenario: Somebody stops the rollback of `middle`, which takes too long to wait for
    Given the rollback of "middle" takes 1h
    And somebody pauses the run while "middle" is rolled back
    When somebody runs the plan
    Then the run is completed
    And the exit code is 0
    When somebody rolls the run back
    Then the run needs intervention
    And the exit code is 130
    And the step "middle" is rollback failed
    And the steps rolled back are "last"

  # generated d1aa334410e2: edit it, and it is yours
  Scenario: The rollback of `middle` fails after somebody has stopped it
    Given the rollback of "middle" fails
    And somebody pauses the run while "middle" is rolled back
    When somebody runs the plan
    Then the run is completed
    And the exit code is 0
    When somebody rolls the run back
    Then the run needs intervention
    And the exit code is 130
    And the step "middle" is rollback failed
    And the steps rolled back are "last"

  # generated 59ff34a93b7e: edit it, and it is yours
  Scenario: The runner dies while `middle` is undone, which is then undone once more
    Given the rollback of "middle" is interrupted
    When somebody runs the plan
    Then the run is completed
    And the exit code is 0
    When somebody rolls the run back
    Then the run is rolling back
    And the step "middle" is rollback failed
    And the steps rolled back are "last"
    When somebody rolls the run back
    Then the run is rolled back
    And the exit code is 4
    And the steps rolled back are "last", "middle" and "first"

  # generated 0c67c49b9740: edit it, and it is yours
  Scenario: The runner dies while `middle` is undone, after somebody has stopped that
    Given the rollback of "middle" is interrupted
    And somebody pauses the run while "middle" is rolled back
    When somebody runs the plan
    Then the run is completed
    And the exit code is 0
    When somebody rolls the run back
    Then the run needs intervention
    And the step "middle" is rollback failed
    And the steps rolled back are "last"

  # generated 6e0a3bb79697: edit it, and it is yours
  Scenario: It is given up after `middle` failed, and a person does that step all the same
    Given the step "middle" fails
    When somebody runs the plan
    Then the run is paused
    And the exit code is 3
    And the step "middle" is failed
    When somebody aborts the run
    Then the run is failed
    And the exit code is 0
    And the step "middle" is failed
    When "ann" marks "middle" as done
    Then the run is failed
    And the exit code is 0

  # generated 9a2087937b20: edit it, and it is yours
  Scenario: A person does what `middle` could not, and it goes on
    Given the step "middle" fails
    When somebody runs the plan
    Then the run is paused
    And the exit code is 3
    And the step "middle" is failed
    When "ann" marks "middle" as done
    Then the run is paused
    And the exit code is 0
    When somebody resumes the run
    Then the run is completed
    And the exit code is 0

  # generated 64e5cb11a7f0: edit it, and it is yours
  Scenario: A person has undone `middle` after all was done
    When somebody runs the plan
    Then the run is completed
    And the exit code is 0
    When "ann" marks "middle" as undone
    Then the run is completed
    And the exit code is 0

  # generated 2e898a9095af: edit it, and it is yours
  Scenario: It goes on from `first`, which runs once more
    Given the step "middle" fails
    When somebody runs the plan
    Then the run is paused
    And the exit code is 3
    And the step "middle" is failed
    When the step "middle" succeeds
    And somebody resumes the run from "first"
    Then the run is completed
    And the exit code is 0

  # generated 36db37bf4867: edit it, and it is yours
  Scenario: `first` and `middle` fail, one after the other
    Given the step "first" fails
    And the step "middle" fails
    When somebody runs the plan
    Then the run is paused
    And the exit code is 3
    And the step "first" is failed
    When the step "first" succeeds
    And somebody resumes the run
    Then the run is rolled back
    And the exit code is 4
    And the step "middle" is failed

  # generated 7a66b9480ede: edit it, and it is yours
  Scenario: `first` and `middle` fail, one after the other, and somebody stops it
    Given the step "first" fails
    And the step "middle" fails
    When somebody runs the plan
    Then the run is paused
    And the exit code is 3
    And the step "first" is failed
    When the step "first" succeeds
    And somebody pauses the run while "middle" runs
    And somebody resumes the run
    Then the run needs intervention
    And the exit code is 130
    And the step "middle" is failed
