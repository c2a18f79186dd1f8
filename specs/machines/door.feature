Feature: A door with a lock

  Scenario: The key unlocks it, and it opens
    Given the machine "door.yaml" in state "locked"
    When the trigger "unlock" fires with "key_fits"
    And the trigger "knock" fires
    Then the state is "closed"
    When the trigger "open" fires with "unlocked"
    Then the state is "open"

  Scenario: The bolt holds it
    Given the machine "door.yaml" in state "locked"
    Then the trigger "open" is refused because "unlocked" does not hold
    When the trigger "knock" fires
    Then the state is "locked"

  Scenario: Another key does not turn
    Given the machine "door.yaml"
    When the trigger "unlock" fires
    Then the trigger "unlock" is refused because "key_fits" does not hold
    And the state is "locked"

  Scenario: Nobody's fingers are caught
    Given the machine "door.yaml" in state "open"
    And "something_in_the_way" holds
    Then the trigger "close" is refused because "something_in_the_way" holds
    When "something_in_the_way" no longer holds
    And the trigger "close" fires
    Then the state is "closed"

  Scenario Outline: Somebody throws himself against it when it is <state>
    Given the machine "door.yaml" in state "<state>"
    When the trigger "forced" fires
    Then the state is "<then>"

    Examples:
      | state  | then   |
      | locked | broken |
      | closed | open   |

  Scenario: A bolt that holds is what it is for
    Given the machine "door.yaml" in state "locked"
    When the trigger "forced" fires with "bolt_holds"
    Then the state is "locked"

  Scenario: A broken door waits for the carpenter
    Given the machine "door.yaml" in state "broken"
    Then the machine has ended
    And the trigger "open" is refused
    When the trigger "repair" fires with "carpenter_came"
    Then the state is "closed"
    When the trigger "lock" fires with "key_fits"
    Then the state is "locked"
