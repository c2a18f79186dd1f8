Feature: The machine's clock is set
  Somebody, or the network, sets the clock while a run goes on or rests. The moments that the journal gives
  follow the clock; what happens, and in which order, does not.

  Background:
    Given a clock that can be set

  Scenario Outline: In mid-run, kept by <kind>: <span> <direction>
    Given the state is kept by "<kind>"
    And the plan "held" of the specs
    And its step "middle" has "timeout: 10m"
    When I start `fsm run plan.yaml --yes`
    And "middle" has begun
    And the clock is set <span> <direction>
    And I run `fsm resume`
    Then it exits with 6
    And the error says "is held by another process (pid {runner})"
    When I let "middle" end
    And it ends
    Then it exits with 0
    And what happened is "first middle last"
    When I run `fsm rollback`
    Then it exits with 4
    And what happened is "first middle last -last -middle -first"

    Examples:
      | kind   | span     | direction |
      | sqlite | an hour  | back      |
      | sqlite | 20 years | forward   |
      | json   | an hour  | back      |
      | json   | 20 years | forward   |
      | redis  | an hour  | back      |
      | redis  | 20 years | forward   |

  Scenario Outline: Between a crash and its recovery, kept by <kind>: <span> <direction>
    Given the state is kept by "<kind>"
    And the plan "held" of the specs
    When I start `fsm run plan.yaml --yes`
    And "middle" has begun
    And its runner is killed by kill -9
    And what "middle" left running is killed
    And the clock is set <span> <direction>
    And I run `fsm status`
    Then it exits with 0
    And it prints, line by line:
      """
      done: 1 first
      not done: 3 last
      unknown: 2 middle
      """
    When I run `fsm resume --done middle`
    Then it exits with 0
    And what happened is "first last"
    When I run `fsm rollback`
    Then it exits with 4
    And what happened is "first last -last -middle -first"

    Examples:
      | kind   | span     | direction |
      | sqlite | an hour  | back      |
      | sqlite | 20 years | forward   |
      | json   | an hour  | back      |
      | json   | 20 years | forward   |
      | redis  | an hour  | back      |
      | redis  | 20 years | forward   |

  Rule: A retry waits no longer than its plan says, whatever the clock says

    Background:
      Given the plan:
        """
        plan:
          id: waiting
          steps:
            - id: flaky
              retry: {attempts: 2, delay: 1500ms, factor: 1}
              run: echo "$FSM_ATTEMPT" >> happened; test "$FSM_ATTEMPT" = 2
              rollback:
                retry: {attempts: 2, delay: 1500ms, factor: 1}
                run: echo "-$FSM_ATTEMPT" >> happened; test "$FSM_ATTEMPT" = 2
        """

    Scenario Outline: While it waits: an hour <direction>
      When I start `fsm run plan.yaml --yes`
      And it has printed "attempt 1 failed"
      And the clock is set an hour <direction>
      And it ends
      Then it exits with 0
      And what happened is "1 2"

      Examples:
        | direction |
        | back      |
        | forward   |

    Scenario Outline: While nobody waits for it, because its runner was killed: an hour <direction>
      When I start `fsm run plan.yaml --yes`
      And it has printed "attempt 1 failed"
      And its runner is killed by kill -9
      And the clock is set an hour <direction>
      And I run `fsm resume`
      Then it exits with 0
      And what happened is "1 2"

      Examples:
        | direction |
        | back      |
        | forward   |

    Scenario: While it waits to undo again
      Given I have run `fsm run plan.yaml --yes`
      When I start `fsm rollback`
      And it has printed "attempt 1 failed"
      And the clock is set an hour back
      And it ends
      Then it exits with 4
      And what happened is "1 2 -1 -2"
