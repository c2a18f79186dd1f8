Feature: An order, from the basket to the door

  Scenario: It is placed, paid, shipped and delivered
    Given the machine "order.yaml"
    When the trigger "change" fires
    And the trigger "place" fires with "has_items" and "address_known"
    And the trigger "payment_received" fires with "amount_matches"
    And the trigger "ship" fires with "in_stock"
    And the trigger "parcel_delivered" fires
    Then the state is "delivered"
    And the machine has ended

  Scenario: Nothing can be sent nowhere
    Given the machine "order.yaml"
    When the trigger "place" fires
    Then the trigger "place" is refused because "has_items" and "address_known" do not hold

  Scenario: A wrong amount is looked at by a clerk
    Given the machine "order.yaml" in state "placed"
    When the trigger "payment_received" fires
    Then the state is "on_hold"
    When the trigger "refund" fires
    Then the state is "refunded"

  Scenario: The doubt is settled
    Given the machine "order.yaml" in state "paid"
    When the trigger "hold" fires
    And the trigger "release" fires with "amount_matches"
    Then the state is "paid"

  Scenario: Nobody waits for the money for ever
    Given the machine "order.yaml" in state "placed"
    When the trigger "payment_failed" fires
    Then the state is "placed"
    When the trigger "payment_failed" fires with "last_attempt"
    Then the state is "cancelled"

  Scenario: What is not paid is cancelled
    Given the machine "order.yaml" in state "placed"
    When the trigger "cancel" fires
    Then the state is "cancelled"

  Scenario: An address that the customer refused keeps the parcel here
    Given the machine "order.yaml" in state "paid"
    And "in_stock" and "address_refused" hold
    Then the trigger "ship" is refused because "address_refused" holds

  Scenario: A lost parcel
    Given the machine "order.yaml" in state "shipped"
    When the trigger "parcel_lost" fires
    Then the state is "on_hold"

  Scenario Outline: A parcel comes back <how>
    Given the machine "order.yaml" in state "delivered"
    When the trigger "send_back" fires with "within_two_weeks"
    Then the state is "returning"
    When "undamaged" <hold>
    And the trigger "parcel_returned" fires
    Then the state is "<state>"

    Examples:
      | how     | hold           | state    |
      | whole   | holds          | refunded |
      | damaged | no longer holds | on_hold  |
