Feature: A build and its deployment

  Background:
    Given the approved plan "hello.yaml"

  Scenario: What was deployed is taken back before what was built
    When somebody runs the plan
    And somebody rolls the run back
    Then the run is rolled back
    And the steps rolled back are "deploy" and "build"

  @real
  Scenario: The files are really there, and really go
    When somebody runs the plan
    Then the run is completed
    And the file "live.txt" in the folder says "version 1.4.0"
    When somebody rolls the run back
    Then the run is rolled back
    And the folder has no file "live.txt"
    And the folder has no file "build.txt"

  @real
  Scenario: A deployment that fails leaves what was built
    Given the step "deploy" fails with "the server is down"
    When somebody runs the plan
    Then the run is paused
    And the report says "✗ Step 2: deploy - failed: the server is down"
    And the folder has the file "build.txt"
    And the folder has no file "live.txt"
