Feature: A branch and a ticket, one after the other or at once

  Scenario: One after the other
    Given the approved plan "feature.yaml"
    When somebody runs the plan
    Then the run is completed
    And at most 1 step ran at the same time
    And the step "step-1" started before "step-2"

  Scenario: What depends on another step waits for it, however many may run
    Given the approved plan "feature.yaml"
    And up to 4 steps run at once
    When somebody runs the plan
    Then at most 1 step ran at the same time
