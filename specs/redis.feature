Feature: State on a Redis server
  `redis://…` keeps runs on a server that runners on several machines share. What it acknowledged is on its
  disk, or it is not written to at all; only one runner writes a run, and what a server forgets is noticed.

  Rule: A run on a server is a run like any other

    Scenario: Run, fail, resume, roll back
      Given the state is on a Redis server
      And the plan "ticket" of the specs
      When I run `fsm run plan.yaml --yes`
      Then it exits with 3
      And what happened is "branch"
      When I make the file "mended"
      And I run `fsm resume`
      Then it exits with 0
      And what happened is "branch ticket mail"
      When I run `fsm list`
      Then it prints "completed"
      When I run `fsm rollback`
      Then it exits with 4
      And what happened is "branch ticket mail -ticket -branch"
      When I run `fsm log`
      Then it exits with 0
      And it prints "rolled back"
      And there is no file ".fsm/state.db"

    Scenario: Approved on one command, run on another, and no second time
      Given the state is on a Redis server
      And the approved plan "hello" of the specs
      When I run `fsm run plan.yaml`
      Then it exits with 0
      When I run `fsm run plan.yaml`
      Then it exits with 6
      And the error says "no unused approval fits plan.yaml"

    Scenario: After kill -9 the run is taken over at once
      Given the state is on a Redis server
      And the plan "held" of the specs
      When I start `fsm run plan.yaml --yes`
      And "middle" has begun
      And I run `fsm resume`
      Then it exits with 6
      And the error says "is held by another process (pid {runner})"
      When its runner is killed by kill -9
      And I run `fsm status`
      Then it prints "unknown: 2 middle"
      When I run `fsm list`
      Then it prints "running, its process died"
      When I let "middle" end
      And the step has written "middle"
      And I run `fsm resume`
      Then it exits with 0
      And what happened is "first middle last"

    Scenario: A runner on another machine is named, and not stopped from here
      Given the state is on a Redis server
      And the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes`
      When a runner on another machine has the run
      And I run `fsm abort`
      Then it exits with 6
      And the error says "is held by another process (pid 12 on build-7; its lease ends at …"
      And the error says "wait for it, or stop it where it runs; if it is dead, its lease ends by itself"
      And what happened is "branch"

  Rule: What the server acknowledged is there, or it is said

    Scenario Outline: A server that <goes> and <comes back> in mid-run is waited for
      Given the state is on a Redis server, "timeout=30"
      And the plan "held" of the specs
      When I start `fsm run plan.yaml --yes`
      And "middle" has begun
      And the server <goes>
      And I let "middle" end
      And the server <comes back>
      And it ends
      Then it exits with 0
      And what happened is "first middle last"

      Examples:
        | goes                 | comes back       |
        | is killed by kill -9 | is started again |
        | is stopped           | is started again |
        | hangs                | goes on          |

    Scenario: A server that stays away ends the run, which goes on later
      Given the state is on a Redis server, "timeout=0.5"
      And the plan "held" of the specs
      When I start `fsm run plan.yaml --yes`
      And "middle" has begun
      And the server is killed by kill -9
      And I let "middle" end
      And it ends
      Then it exits with 7
      And the error says "the server cannot be reached…whether the last events were recorded is not known"
      And what happened is "first middle"
      When I run `fsm status`
      Then it exits with 7
      And the error says "the server cannot be reached"
      When the server is started again
      And I run `fsm resume`
      Then it exits with 0
      And what happened is "first middle last"

    Scenario: A server that lost what it acknowledged ends the run, and the loss is told
      Given the state is on a Redis server, "timeout=30"
      And the plan:
        """
        plan:
          id: forgotten
          steps:
            - {id: one, run: hold one && echo one >> happened}
            - {id: two, run: hold two && echo two >> happened}
            - {id: three, run: echo three >> happened}
        """
      When I start `fsm run plan.yaml --yes`
      And "one" has begun
      And I keep a copy of the server's data
      And I let "one" end
      And "two" has begun
      And the server is put back to that copy
      And I let "two" end
      And it ends
      Then it exits with 7
      And the error says "the server has lost records that it acknowledged"
      And what happened is "one two"
      When I run `fsm resume`
      Then it exits with 7
      And the error says "are lost: they were acknowledged up to number 7, and 5 are there"
      And the error says "restore the server's data; or, to go on with what is left, remove …"
      And what happened is "one two"

    Scenario: A server that lost its newest writes while nobody looked is not gone on with
      Given the state is on a Redis server
      And the plan "ticket" of the specs
      When I start `fsm run plan.yaml --yes`
      And it ends
      Then it exits with 3
      When I keep a copy of the server's data
      And I make the file "mended"
      And I run `fsm resume`
      Then it exits with 0
      When the server is put back to that copy
      And I run `fsm resume`
      Then it exits with 7
      And the error says "are lost: they were acknowledged up to number"
      And the error says "restore the server's data; or, to go on with what is left, remove …"
      When I run `fsm rollback`
      Then it exits with 7
      And what happened is "branch ticket mail"

    Scenario: A server that lost everything: there is no run, but it is known that there was one
      Given the state is on a Redis server
      And the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes`
      And there is a file "mended"
      When somebody gives the server the command "FLUSHALL"
      And I run `fsm resume`
      Then it exits with 7
      And the error says "are lost: they were acknowledged"
      When I run `fsm list`
      Then it exits with 7
      And what happened is "branch"

  Rule: A server that may lose or evict what it acknowledged is not written to

    Scenario Outline: Refused before anything is written: <setting>
      Given the state is on a Redis server whose "<setting>" is "<value>"
      And the plan "hello" of the specs
      When I run `fsm run plan.yaml --yes`
      Then it exits with 7
      And the error says "the server may lose records that it acknowledged: <setting> is <value>"
      And the error says "set on the server: CONFIG SET <setting> <wanted>; CONFIG REWRITE"
      And nothing was written to the server
      When I run `fsm list`
      Then it exits with 0
      When somebody gives the server the command "CONFIG SET <setting> <wanted>"
      And I run `fsm run plan.yaml --yes`
      Then it exits with 0

      Examples:
        | setting     | value    | wanted |
        | appendonly  | no       | yes    |
        | appendfsync | everysec | always |

    Scenario: Eviction
      Given the state is on a Redis server whose "maxmemory-policy" is "allkeys-lru"
      And the plan "hello" of the specs
      And somebody gives the server the command "CONFIG SET maxmemory 50mb"
      When I run `fsm run plan.yaml --yes`
      Then it exits with 7
      And the error says "maxmemory-policy is allkeys-lru"
      And nothing was written to the server

  Rule: The password opens the server and is seen nowhere

    Scenario: Neither in errors nor in reports, nor where a step prints it
      Given the state is on a Redis server with the password "s3cret-of-mine"
      And the plan:
        """
        plan:
          id: curious
          steps:
            - {id: look, run: env; exit 1}
        """
      When I run `fsm list`
      Then it exits with 0
      When I run `fsm status`
      Then it exits with 6
      And the error says "no run is recorded in redis://:***@127.0.0.1:"
      When I run `fsm run plan.yaml --yes`
      Then it exits with 3
      When I run `fsm status --json`
      And I run `fsm log`
      And the server is killed by kill -9
      And I run `fsm list`
      Then it exits with 7
      And the error says "redis://:***@127.0.0.1:"
      And neither the server nor any file here holds "s3cret-of-mine"

    Scenario: Commands that a report proposes leave it out
      Given the state is on a Redis server with the password "s3cret-of-mine"
      And the plan "ticket" of the specs
      When I run `fsm run plan.yaml --yes --state redis://:s3cret-of-mine@127.0.0.1:{port}/0`
      Then it exits with 3
      And it prints "--state 'redis://:***@127.0.0.1:"
      And it does not print "s3cret-of-mine"

    Scenario: A wrong one
      Given the state is on a Redis server with the password "right"
      And the environment has FSM_STATE=redis://:wr0ng@127.0.0.1:{port}/0
      When I run `fsm list`
      Then it exits with 7
      And the error says "the server does not let us in"
      And the error says "check the user and the password in the URL"

  Rule: A specification of phases may choose the server, which the environment names

    Background:
      Given a Redis server with the password "s3cret-of-mine" that specifications may choose
      And the file "workflow.yaml":
        """
        workflow_id: words
        state_backend: redis
        phases:
          - {name: scout, command: echo scout >> happened}
          - {name: build, command: env; test -e mended && echo build >> happened, depends_on: [scout]}
          - {name: review, command: echo review >> happened, depends_on: [build]}
        """

    Scenario: Executed, and recovered by its name
      When I run `fsm execute workflow.yaml`
      Then it exits with 1
      And it prints "--state 'redis://:***@127.0.0.1:"
      And what happened is "scout"
      And the server has 1 run
      And there is no file ".fsm/state.db"
      When I make the file "mended"
      And I run `fsm recover words`
      Then it exits with 0
      And what happened is "scout build review"
      And the server has 1 run
      And neither the server nor any file here holds "s3cret-of-mine"

    Scenario: What is said beside it comes first
      Given the environment has FSM_STATE=sqlite:elsewhere.db
      When I run `fsm execute workflow.yaml`
      Then it exits with 1
      And nothing was written to the server

    Scenario: The server it chose is away
      When the server is killed by kill -9
      And I run `fsm execute workflow.yaml`
      Then it exits with 7
      And the error says "the server cannot be reached"
      And nothing happened

  Rule: What cannot be opened says why

    Scenario: The library is not installed
      Given the library redis is not installed
      When I run `fsm list --state redis://:s3cret@localhost`
      Then it exits with 2
      And the error says "the state redis://:***@localhost:6379/0 needs the library `redis`, which is not installed"
      And the error says "install it: pip install 'fsm[redis]'"

    Scenario: Nobody is there
      When I run `fsm list --state redis://127.0.0.1:1`
      Then it exits with 7
      And the error says "redis://127.0.0.1:1/0: the server cannot be reached"

    Scenario: A URL that is none
      When I run `fsm list --state redis://localhost/abc?prefix=x`
      Then it exits with 2
      And the error says "has no database 'abc'; databases are numbered from 0"
