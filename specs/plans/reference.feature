Feature: Every key of a plan, rehearsed

  Background:
    Given the approved plan "reference.yaml"

  Scenario: In staging nothing is announced
    When somebody runs the plan
    Then the run is completed
    And the step "announce" is skipped

  Scenario: An announcement that fails does not matter
    Given the parameter "target" is "production"
    And the step "announce" fails
    When somebody runs the plan
    Then the run is completed
    And the exit code is 0
    And the step "announce" is failed
    And the report says "completed, 1 tolerated failure"

  Scenario: What is built is what is published
    Given the step "build" returns "artefact" as "site.txt"
    When somebody runs the plan
    Then the step "build" returned "artefact" as "site.txt"
    And the step "build" started before "publish"

  Scenario: An artefact that nobody names cannot be published
    Given the step "build" returns nothing
    When somebody runs the plan
    Then the run is paused
    And the step "publish" is failed
    And the report says "nothing is called `artefact` here"

  Scenario: A build that is cut short simply runs again
    Given the step "build" is interrupted
    When somebody runs the plan
    And somebody resumes the run
    Then the run is completed
    And the step "build" was tried 2 times

  @real
  Scenario: The site is really there, and really taken back
    When somebody runs the plan
    Then the run is completed
    And the file "live.txt" in the folder says "site"
    When somebody rolls the run back
    Then the run is rolled back
    And the folder has no file "live.txt"
