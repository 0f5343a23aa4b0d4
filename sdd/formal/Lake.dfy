// The lake's commit: data files are staged out of sight, then one conditional write of the manifest names them. Any
// number of writers append and overwrite; a commit is never lost, and readers see whole states only.

include "Files.dfy"

module Lake {
  import opened Trees
  import opened Files
  import opened Texts

  datatype Mode = Adds | Replaces

  // The manifest as a file under compare-and-swap: what it names, and the stamp of that version.
  datatype State = State(files: set<nat>, stamp: nat)

  // `base` is the state that a writer plans on; None: it has not begun.
  datatype Writer = Waiting | Staged(base: State) | Committed(replaced: nat) | Lost

  // `log` remembers who committed, in order; it is for the contracts only.
  datatype Table = Table(manifest: State, data: set<nat>, writers: seq<Writer>, log: seq<nat>)

  // What each writer brings: its mode, and the numbers of its data files, which are nobody else's.
  datatype Plan = Plan(mode: Mode, files: set<nat>)

  predicate Disjoint(plans: seq<Plan>, start: set<nat>) {
    && (forall i, j :: 0 <= i < |plans| && 0 <= j < |plans| && i != j ==> plans[i].files !! plans[j].files)
    && (forall i :: 0 <= i < |plans| ==> plans[i].files !! start)
  }

  function Next(now: set<nat>, plan: Plan): set<nat> {
    if plan.mode == Adds then now + plan.files else plan.files
  }

  // One request of a writer. Its first stages; each further one tries to commit on the state it knows, and when another
  // was faster an append plans again on the newer state, while an overwrite gives up and discards its files.
  function Act(t: Table, plans: seq<Plan>, who: nat): Table
    requires |plans| == |t.writers|
    ensures |Act(t, plans, who).writers| == |t.writers|
  {
    if who >= |t.writers| then t
    else match t.writers[who]
      case Waiting =>
        t.(writers := t.writers[who := Staged(t.manifest)], data := t.data + plans[who].files)
      case Staged(base) =>
        if base.stamp == t.manifest.stamp then
          Table(State(Next(base.files, plans[who]), t.manifest.stamp + 1), t.data,
                t.writers[who := Committed(base.stamp)], t.log + [who])
        else if plans[who].mode == Adds then t.(writers := t.writers[who := Staged(t.manifest)])
        else t.(writers := t.writers[who := Lost], data := t.data - plans[who].files)
      case Committed(replaced) => t
      case Lost => t
  }

  function Run(t: Table, plans: seq<Plan>, schedule: seq<nat>): Table
    requires |plans| == |t.writers|
    ensures |Run(t, plans, schedule).writers| == |t.writers|
    decreases |schedule|
  {
    if schedule == [] then t else Act(Run(t, plans, schedule[..|schedule| - 1]), plans, schedule[|schedule| - 1])
  }

  // The commits one after another, as if there had been no race.
  function Replay(start: set<nat>, plans: seq<Plan>, log: seq<nat>): set<nat>
    requires forall i :: 0 <= i < |log| ==> log[i] < |plans|
    decreases |log|
  {
    if log == [] then start
    else Next(Replay(start, plans, log[..|log| - 1]), plans[log[|log| - 1]])
  }

  // Files that no state names and no writer is about to commit; older than every write under way.
  function Vacuum(t: Table, plans: seq<Plan>): Table
    requires |plans| == |t.writers|
  {
    t.(data := set d | d in t.data
                 && (d in t.manifest.files || exists i :: 0 <= i < |plans| && t.writers[i].Staged? && d in plans[i].files))
  }

  predicate Sound(t: Table, plans: seq<Plan>, start: set<nat>) {
    && |plans| == |t.writers|
    && Disjoint(plans, start)
    && (forall i :: 0 <= i < |t.log| ==> t.log[i] < |plans|)
    && t.manifest.files == Replay(start, plans, t.log)
    && t.manifest.files <= t.data
    && (forall d :: d in t.manifest.files ==> d in start || exists i :: i in t.log && d in plans[i].files)
    && (forall i :: 0 <= i < |plans| ==> (i in t.log <==> t.writers[i].Committed?))
    && (forall i, j :: 0 <= i < j < |t.log| ==> t.log[i] != t.log[j])
    && (forall i :: 0 <= i < |plans| && t.writers[i].Staged? ==> StagedSoundly(t, plans[i], t.writers[i].base))
    && (forall i :: 0 <= i < |plans| && t.writers[i].Committed? ==> t.writers[i].replaced < t.manifest.stamp)
    && (forall i, j :: 0 <= i < j < |plans| && t.writers[i].Committed? && t.writers[j].Committed? ==>
          t.writers[i].replaced != t.writers[j].replaced)
  }

  predicate StagedSoundly(t: Table, plan: Plan, base: State) {
    && plan.files <= t.data
    && base.stamp <= t.manifest.stamp
    && (base.stamp == t.manifest.stamp ==> base == t.manifest)
  }

  // ---------------------------------------------------------------------------------------------- contracts

  lemma ItBeginsSound(start: set<nat>, stamp: nat, plans: seq<Plan>, writers: seq<Writer>)
    requires Disjoint(plans, start) && |plans| == |writers|
    requires forall i :: 0 <= i < |writers| ==> writers[i] == Waiting
    ensures Sound(Table(State(start, stamp), start, writers, []), plans, start)               //: PQ-04
  {}

  lemma EveryStepIsSound(t: Table, plans: seq<Plan>, start: set<nat>, who: nat)
    requires Sound(t, plans, start)
    ensures Sound(Act(t, plans, who), plans, start)                                           //: PQ-04 PQ-05 PQ-06
  {
    var u := Act(t, plans, who);
    if who < |plans| && t.writers[who].Staged? && u.log != t.log {
      assert u.log[..|u.log| - 1] == t.log;
      forall i | 0 <= i < |plans| ensures i in u.log <==> u.writers[i].Committed? {}
    }
    if who < |plans| && u.writers[who] == Lost && t.writers[who] != Lost {
      forall d | d in u.manifest.files ensures d in u.data {
        if d !in start { var i :| i in t.log && d in plans[i].files; }
      }
    }
  }

  lemma AllCommitsLand(t: Table, plans: seq<Plan>, start: set<nat>, schedule: seq<nat>)
    requires Sound(t, plans, start)
    ensures var u := Run(t, plans, schedule);
      && Sound(u, plans, start)
      && u.manifest.files == Replay(start, plans, u.log)                                      //: PQ-04 PQ-05
      && u.manifest.files <= u.data                                                           //: PQ-04
      && (forall i :: 0 <= i < |plans| && u.writers[i].Committed? ==> i in u.log)             //: PQ-05
    decreases |schedule|
  {
    if schedule != [] {
      AllCommitsLand(t, plans, start, schedule[..|schedule| - 1]);
      EveryStepIsSound(Run(t, plans, schedule[..|schedule| - 1]), plans, start, schedule[|schedule| - 1]);
    }
  }

  // Where all append, everything that was committed is there, whatever the order.
  lemma AppendsAllLand(t: Table, plans: seq<Plan>, start: set<nat>, who: nat)
    requires Sound(t, plans, start) && who < |plans| && t.writers[who].Committed?
    requires forall i :: 0 <= i < |plans| ==> plans[i].mode == Adds
    ensures plans[who].files <= t.manifest.files && start <= t.manifest.files                 //: PQ-05
  {
    ReplayKeepsAll(start, plans, t.log, who);
  }

  lemma ReplayKeepsAll(start: set<nat>, plans: seq<Plan>, log: seq<nat>, who: nat)
    requires forall i :: 0 <= i < |log| ==> log[i] < |plans|
    requires forall i :: 0 <= i < |plans| ==> plans[i].mode == Adds
    ensures start <= Replay(start, plans, log)
    ensures who in log ==> plans[who].files <= Replay(start, plans, log)
    decreases |log|
  {
    if log != [] { ReplayKeepsAll(start, plans, log[..|log| - 1], who); }
  }

  // Two overwrites planned on one state: at most one commits. The other ends as Lost, with its files gone.
  lemma OneOverwriteWins(t: Table, plans: seq<Plan>, start: set<nat>, one: nat, other: nat)
    requires Sound(t, plans, start) && one < |plans| && other < |plans| && one != other
    requires t.writers[one].Committed? && t.writers[other].Staged?
    requires plans[other].mode == Replaces && t.writers[other].base.stamp == t.writers[one].replaced
    ensures var u := Act(t, plans, other);
      u.writers[other] == Lost && u.manifest == t.manifest && u.data !! plans[other].files    //: PQ-06
  {}

  lemma VacuumContract(t: Table, plans: seq<Plan>, start: set<nat>)
    requires Sound(t, plans, start)
    ensures Sound(Vacuum(t, plans), plans, start)                                             //: PQ-08
    ensures forall i :: 0 <= i < |plans| && t.writers[i] == Lost ==>
      Vacuum(t, plans).data !! plans[i].files - t.manifest.files                              //: PQ-07 PQ-08
  {
    forall i, d | 0 <= i < |plans| && t.writers[i] == Lost && d in plans[i].files && d in Vacuum(t, plans).data
      ensures d in t.manifest.files
    {}
  }

  // The manifest's swap is the store's: a write with if_match, or without overwrite for the first state.
  lemma TheSwapIsAWrite(tree: Tree, key: Text, content: seq<Byte>, expected: Option<nat>)
    requires Fits(tree, key)
    ensures var w := Write(tree, key, content, [], false, expected);
      var stands: Option<nat> := if key in tree.files then Some(tree.files[key].stamp) else None;
      w.result.Ok? <==> stands == expected                                                    //: PQ-06 SWAP-01 SWAP-02 EXCL-01
  {}
}
