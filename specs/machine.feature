Feature: A state machine of one's own
  Anybody can declare a machine in YAML that has nothing to do with plans; it is proved before it is used.

  Rule: `fsm machine check` proves it

    Scenario Outline: The example "<name>" is proved
      Given the machine "<name>" of the specs
      When I run `fsm machine check <name>.yaml`
      Then it exits with 0
      And it prints "<told>"
      And it prints "every state is reached and leads to an end; no two rows compete; no fact is ever left untaken"

      Examples:
        | name  | told                                                   |
        | door  | ✓ door: 4 states, 7 triggers (1 fact), 10 rows         |
        | order | ✓ order: 9 states, 13 triggers (5 facts), 16 rows      |

    Scenario: Every finding at once, each with its line and the next move
      Given the file "lamp.yaml":
        """
        name: lamp
        initial: of
        states:
          off: {final: true, colour: grey}
          on:
        facts: [power_cut]
        rows:
          - {trigger: press, source: off, dest: on, conditions: [bulb_works], why: light}
          - {trigger: press, source: off, dest: on, conditions: [has_power], why: light}
          - {trigger: press, source: on, dest: off}
          - {trigger: power_cut, source: off, dest: off, why: it is off}
        """
      When I run `fsm machine check lamp.yaml`
      Then it exits with 2
      And the error says, line by line:
        """
        error: lamp.yaml:2:1  `of` is no state; did you mean `off`?
        lamp.yaml:4:22  the state `off` has no key `colour`; known: final, description
        lamp.yaml:9:5  `press` in `off`: holds together with row 1 when `bulb_works` and `has_power`; add an `unless` to one of the two (the other is on line 8)
        lamp.yaml:10:5  row 3 has no `why`; add `why:`
        """
      When I run `fsm machine check lamp.yaml --json`
      Then it exits with 2
      And its JSON has "problems.1.line" 4

    Scenario: What can only be seen in a whole table is told once it is whole
      Given the file "lamp.yaml":
        """
        name: lamp
        initial: off
        states: {off: , on: , broken: {final: true}}
        facts: [power_cut]
        rows:
          - {trigger: press, source: off, dest: on, why: light}
          - {trigger: power_cut, source: on, dest: off, conditions: [plugged_in], why: no light}
        """
      When I run `fsm machine check lamp.yaml`
      Then it exits with 2
      And the error says, line by line:
        """
        …lamp.yaml:3:10  from the state `off` there is no way to a final one; …
        lamp.yaml:3:17  from the state `on` there is no way to a final one; …
        lamp.yaml:3:23  no row leads to the state `broken`, and it is not the initial one; …
        lamp.yaml:7:5  `power_cut` in `on`: a fact, but no row takes it when not `plugged_in`; add a row for this case
        """

    Scenario: A file that is no machine, and one that is not there
      Given the plan "hello" of the specs
      When I run `fsm machine check plan.yaml`
      Then it exits with 2
      And the error says "plan.yaml:1:1  the machine has no key `plan`"
      When I run `fsm machine table none.yaml`
      Then it exits with 2
      And the error says "none.yaml  does not exist; check the path"

  Rule: `fsm machine table` and `draw` show it

    Scenario: The table, the rows of scenarios apart
      Given the machine "door" of the specs
      When I run `fsm machine table door.yaml`
      Then it exits with 0
      And it prints, line by line:
        """
        door: 4 states, 7 triggers (1 fact), 10 rows
        STATE
        locked  initial  shut, and the bolt is out
        broken  final    it shuts no more; a carpenter is needed
        TRIGGER  FROM            TO      IF                        WHY
        open     locked, closed  open    unlocked                  the bolt holds it, unless turned inside
        close    open            closed  not something_in_the_way  nobody's fingers are to be caught
        when it is the scenario break_in:
        forced   locked          broken  not bolt_holds            the frame gave way
        facts, which must be taken: forced
        """
      When I run `fsm machine table door.yaml --json`
      Then it prints one JSON document and nothing else
      And its JSON has "rows.7.unless" ["bolt_holds"]
      And its JSON has "rows.7.scenario" "break_in"

    Scenario: The drawing is that of fsm diagram
      Given the machine "door" of the specs
      When I run `fsm machine draw door.yaml --format svg`
      And I run `fsm diagram door.yaml --format svg`
      Then they print the same
      When I run `fsm machine draw door.yaml -o door.png`
      Then it exits with 0
      And the file "door.png" is a PNG

  Rule: `fsm machine run` drives it

    Background:
      Given the machine "door" of the specs

    Scenario: Triggers as arguments, each with the conditions that hold
      When I run `fsm machine run door.yaml unlock:key_fits open:unlocked,key_fits close`
      Then it exits with 0
      And it prints exactly:
        """
          door is locked
        ✓ unlock:key_fits: locked → closed   only a key that fits turns
        ✓ open:unlocked,key_fits: closed → open   the bolt holds it, unless turned inside
        ✓ close: open → closed   nobody's fingers are to be caught
          door is closed
        """

    Scenario: A refusal tells what fails and what can be done instead, and ends the list
      When I run `fsm machine run door.yaml unlock:key_fits open close`
      Then it exits with 6
      And it prints exactly:
        """
          door is locked
        ✓ unlock:key_fits: locked → closed   only a key that fits turns
        ✗ door is closed: `open` is refused because `unlocked` does not hold
            allowed now: lock, open, knock, forced
          not fired: close
          door is closed
        """
      When I run `fsm machine run door.yaml open close unlock --holds key_fits --keep-going`
      Then it exits with 6
      And it prints "✗ door is locked: `close` is refused"
      And it prints "✓ unlock:key_fits: locked → closed"

    Scenario: Triggers on stdin, one a line
      When I run `fsm machine run door.yaml --from closed` with "# by night\n\nlock: key_fits\nforced   # without bolt_holds\n" on its stdin
      Then it exits with 0
      And it prints "✓ forced: locked → broken   the frame gave way"
      And it prints "door is broken, which is final"

    Scenario: For programs
      When I run `fsm machine run door.yaml unlock:key_fits open --json`
      Then it exits with 6
      And it prints one JSON document and nothing else
      And its JSON has "state" "closed"
      And its JSON has "fired.0.dest" "closed"
      And its JSON has "fired.1.dest" null
      And its JSON has "fired.1.failed" ["unlocked"]

    Scenario: Unknown names are all told before anything is fired
      When I run `fsm machine run door.yaml unlock:keyfits opn --holds boltholds`
      Then it exits with 2
      And it prints nothing
      And the error says, line by line:
        """
        error: --holds  door has no condition `boltholds`; did you mean `bolt_holds`?
        trigger 1  door has no condition `keyfits`; did you mean `key_fits`?
        trigger 2  door has no trigger `opn`; did you mean `open`?
        """
      When I run `fsm machine run door.yaml open --from opened`
      Then it exits with 2
      And the error says "door has no state `opened`; did you mean `open`?"

    Scenario: On a terminal it asks for the trigger, and for each condition that matters
      When I run `fsm machine run door.yaml` on a terminal and answer:
        | asked                        | answer          |
        | locked> (or quit)            | unlock          |
        | does `key_fits` hold? [y/N]: | y               |
        | closed> (or quit)            | open:unlocked   |
        | open> (or quit)              | quit            |
      Then it exits with 0
      And it prints " unlock:key_fits: locked → closed"
      And it prints " open:unlocked: closed → open"
      And it prints "door is open"

    Scenario: On a terminal a refusal ends nothing, and neither does a slip
      When I run `fsm machine run door.yaml --from open` on a terminal and answer:
        | asked                                  | answer |
        | open> (or quit)                        | clse   |
        | did you mean `close`?…open> (or quit)  | close  |
        | does `something_in_the_way` hold?      | y      |
        | is refused…open> (or quit)             | quit   |
      Then it exits with 0
      And it prints " door is open: `close` is refused because `not something_in_the_way` does not hold"
