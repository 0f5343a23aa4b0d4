"""Deliberate bugs, each with the test that has to find it."""

from remote_store import _face, _stack, _streams, path
from remote_store._ops import folders, info, move, pinned, read, write, write_many
from remote_store.backends.local import LocalBackend, publish
from remote_store.layers import retry
from tests.planted import patches, wrong_config, wrong_lake, wrong_local, wrong_memory, wrong_s3, wrong_streams
from tests.planted.patches import patched
from tests.planted.planting import Bug

OF_BACKENDS_AND_KERNEL = {
    "range start ignored": Bug(
        "`get` begins at 0 whatever the span says", "test_a_range_is_the_slice", wrong_memory.RangeStartIgnored
    ),
    "range end ignored": Bug(
        "`get` returns all from the offset", "test_a_range_is_the_slice", wrong_memory.RangeEndIgnored
    ),
    "pin ignored": Bug(
        "`get` serves another version than `if_match` names",
        "test_a_file_replaced_while_it_is_read_is_noticed",
        wrong_memory.PinIgnored,
    ),
    "overwrite ignored": Bug(
        "`put` replaces without being asked",
        "test_an_existing_file_is_not_replaced_by_default",
        wrong_memory.OverwriteIgnored,
    ),
    "swap ignored": Bug(
        "`put` does not look at `if_match`", "test_another_etag_changes_nothing", wrong_memory.SwapIgnored
    ),
    "swap creates": Bug(
        "a swap of a missing file creates it",
        "test_a_swap_of_a_missing_file_creates_nothing",
        wrong_memory.SwapOfNothingCreates,
    ),
    "check, then write": Bug(
        "`put` asks first and writes later", "test_of_eight_racing_writers_one_wins", wrong_memory.CheckedThenWritten
    ),
    "check, then swap": Bug(
        "`put` compares first and swaps later",
        "test_a_counter_bumped_by_many_counts_all",
        wrong_memory.CheckedThenWritten,
    ),
    "delete ignores etag": Bug(
        "`delete` does not look at `if_match`",
        "test_delete_with_an_etag_deletes_that_version_only",
        wrong_memory.DeleteIgnoresEtag,
    ),
    "silent delete": Bug(
        "`delete` of a missing file passes",
        "test_deleting_a_missing_file_is_not_found_unless_that_is_fine",
        wrong_memory.DeleteOfNothingIsSilent,
    ),
    "delete_many stops": Bug(
        "`delete_many` deletes the first of each batch",
        "test_delete_many_removes_all_and_minds_none_missing",
        wrong_memory.DeleteManyDeletesOne,
    ),
    "listing unordered": Bug(
        "pages come backwards", "test_recursive_lists_all_files_below_in_order", wrong_memory.ListingUnordered
    ),
    "listing forgets pages": Bug(
        "only the first page is listed",
        "test_more_than_a_page_arrives_complete_and_in_order",
        wrong_memory.ListingForgetsPages,
    ),
    "listing repeats": Bug(
        "the last entry of a page comes again",
        "test_more_than_a_page_arrives_complete_and_in_order",
        wrong_memory.ListingRepeatsAnEntry,
    ),
    "sibling prefix leak": Bug(
        "`a` shows `ab/2`", "test_a_folder_never_shows_what_only_begins_alike", wrong_memory.ListingLeaksSiblings
    ),
    "sibling leak into a child": Bug(
        "a child of `a` sees `ab/3`",
        "test_a_child_sees_exactly_what_is_below_its_folder",
        wrong_memory.ListingLeaksSiblings,
    ),
    "sizes of listings": Bug(
        "listed files have size 0",
        "test_entries_carry_size_and_time_and_open_the_file",
        wrong_memory.ListingShowsOldSizes,
    ),
    "dot files hidden": Bug(
        "names that begin with a dot are not listed",
        "test_odd_keys_are_listed_as_given_and_in_order",
        wrong_memory.ListingHidesDotFiles,
    ),
    "folders sort as files": Bug(
        "`a` sorts before `a.csv` as a folder",
        "test_children_are_files_and_folders_in_order",
        wrong_memory.FoldersSortAsFiles,
    ),
    "copy drops metadata": Bug(
        "a copy has no metadata", "test_metadata_travels_with_a_copy", wrong_memory.CopyDropsMetadata
    ),
    "copy overwrites": Bug(
        "`copy` replaces without being asked", "test_a_copy_onto_a_file_names_the_target", wrong_memory.CopyOverwrites
    ),
    "move leaves source": Bug("`move` only copies", "test_a_move_leaves_nothing_behind", wrong_memory.MoveLeavesSource),
    "move in two steps": Bug(
        "`move` copies, then deletes, and claims to be one step",
        "test_of_racing_movers_one_gets_the_file",
        wrong_memory.MoveIsNotAtomic,
    ),
    "old metadata stays": Bug(
        "a replacement inherits metadata", "test_a_replacement_brings_its_own_metadata", wrong_memory.OldMetadataStays
    ),
    "etag is the size": Bug(
        "two contents of one size have one etag",
        "test_the_etag_of_a_write_is_the_one_that_is_found",
        wrong_memory.EtagIsTheSize,
    ),
    "buffer kept": Bug(
        "`put` keeps the caller's buffer",
        "test_changing_a_buffer_after_the_write_changes_nothing",
        wrong_memory.BufferIsKept,
    ),
    "case folded": Bug(
        "`A` and `a` are one file", "test_names_that_differ_in_one_code_point_are_two_files", wrong_memory.CaseIsFolded
    ),
    "Unicode folded": Bug(
        "composed and decomposed names are one file",
        "test_names_that_differ_in_one_code_point_are_two_files",
        wrong_memory.UnicodeIsFolded,
    ),
    "native errors escape": Bug(
        "the client's own error leaves the library", "test_a_missing_file_is_not_found", wrong_memory.NativeErrorsEscape
    ),
    "written in place": Bug(
        "parts go to the final name", "test_nothing_shows_before_the_end_of_the_block", wrong_local.WritesInPlace
    ),
    "old file torn": Bug(
        "parts overwrite the old file at once",
        "test_an_exception_in_the_block_leaves_the_old_file",
        wrong_local.WritesInPlace,
    ),
    "visible drafts": Bug(
        "temporary files are named as files are",
        "test_nothing_shows_before_the_end_of_the_block",
        LocalBackend,
        patched(publish, "_NAME", b"draft-%b.tmp"),
    ),
    "drafts left": Bug(
        "an aborted write leaves its temporary file",
        "test_an_exception_in_the_block_publishes_nothing",
        LocalBackend,
        wrong_local.leaving_drafts,
    ),
    "links followed": Bug(
        "paths are opened through links", "test_links_lead_nothing_outside", wrong_local.FollowsLinks
    ),
    "deleted through links": Bug(
        "`delete` goes through links", "test_links_lead_nothing_outside", wrong_local.DeletesThroughLinks
    ),
    "links listed": Bug("listings walk through links", "test_links_lead_nothing_outside", wrong_local.LinksAreListed),
    "empty folders vanish": Bug(
        "a folder goes with its last file, real folders or not",
        "test_an_empty_folder_stays_until_it_is_deleted",
        wrong_local.EmptyFoldersVanish,
    ),
    "published on exception": Bug(
        "the end of a block commits whatever happened",
        "test_an_exception_in_the_block_publishes_nothing",
        plant=patched(_streams.AtomicWrite, "__exit__", patches.publishes_on_exception),
    ),
    "`..` accepted": Bug(
        "the grammar lets `..` through",
        "test_every_call_refuses_every_hostile_key",
        plant=patched(path, "_why", patches.dots_are_fine),
    ),
    "absence guessed": Bug(
        "`exists` is False on any failure",
        "test_existence_is_never_guessed_from_a_failure",
        plant=patched(info, "exists", patches.guesses_absence),
    ),
    "short body accepted": Bug(
        "a stream that is cut ends as if it were whole",
        "test_a_body_that_is_cut_raises",
        plant=patched(read.Feed, "_pull", patches.pull_whatever_comes),
    ),
    "many out of order": Bug(
        "`read_many` yields the last first",
        "test_many_files_come_in_the_order_named",
        plant=patched(read.ManyReads, "next", patches.out_of_order),
    ),
    "many results turned round": Bug(
        "`write_many` answers the last first",
        "test_many_writes_publish_all_and_answer_in_the_order_named",
        plant=patched(write_many._ManyWrites, "all", patches.turned_round),
    ),
    "many failures swallowed": Bug(
        "`write_many` passes over what is wrong with a pair",
        "test_what_is_wrong_with_a_pair_waits_for_the_files_before_it",
        plant=patched(write_many._ManyWrites, "_raise_failure", lambda self: None),
    ),
    "everything repeated": Bug(
        "retry repeats what may not be done twice",
        "test_a_lost_answer_of_a_new_file_is_not_repeated",
        plant=patched(retry.Retry, "__call__", patches.repeats_everything),
    ),
    "copied onto itself": Bug(
        "a move onto itself copies and deletes",
        "test_a_move_onto_itself_loses_nothing",
        plant=patched(move, "_settled", patches.never_settled),
    ),
    "root deleted": Bug(
        "`delete_folder` empties the root",
        "test_the_root_is_never_deleted",
        plant=patched(folders, "delete_folder", patches.deletes_the_root_too),
    ),
    "names outside accepted": Bug(
        "`to_key` takes names outside the store",
        "test_a_name_outside_leads_to_no_key",
        plant=patched(_face.Face, "to_key", patches.anything_outside),
    ),
    "close does nothing": Bug(
        "a closed store goes on",
        "test_a_closed_store_refuses_every_call",
        plant=patched(_face.Face, "_close", patches.not_closed),
    ),
    "capabilities unasked": Bug(
        "missing capabilities are not refused",
        "test_a_missing_capability_is_named_before_any_call",
        plant=patched(_stack.Scope, "require", lambda self, protocol, capability, path=None: self.backend),
    ),
    "hidden root shown": Bug(
        "a child's results carry the parent's keys",
        "test_a_child_sees_exactly_what_is_below_its_folder",
        plant=patched(info, "own", lambda scope, entry, key: entry),
    ),
    "seeks read all": Bug(
        "each seek fetches the whole file",
        "test_each_read_asks_for_exactly_its_bytes",
        plant=patched(pinned.Pinned, "_fetch", patches.reads_ahead),
    ),
    "metadata unchecked": Bug(
        "any metadata reaches the service",
        "test_metadata_that_no_service_takes_is_refused",
        plant=patched(write, "_check_metadata", lambda metadata, content_type: None),
    ),
}


AREAS = (OF_BACKENDS_AND_KERNEL, wrong_streams.BUGS, wrong_s3.BUGS, wrong_lake.BUGS, wrong_config.BUGS)
BUGS: dict[str, Bug] = {name: bug for area in AREAS for name, bug in area.items()}
assert len(BUGS) == sum(len(area) for area in AREAS), "two bugs of one name"


def as_table():
    """Return the bugs as a table in Markdown."""
    rows = ["| bug | what it does | where | found by |", "|---|---|---|---|"]
    for name, bug in BUGS.items():
        rows.append(f"| {name} | {bug.says} | {bug.place} | `{bug.found_by.removeprefix('tests/')}` |")
    return "\n".join(rows)
