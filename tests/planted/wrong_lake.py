"""Bugs of the lake: its commits, files, statistics, folders and raw files."""

from remote_store.errors import IntegrityError, NotFound
from remote_store.ext import partition
from remote_store.ext.parquet import commits, dataset, manifest, staging
from remote_store.lake import bronze, engines
from tests.planted.patches import changed, ignored, patched
from tests.planted.planting import Bug

TABLES = "tests/ext/test_parquet.py::"
PATHS = "tests/ext/test_partition.py::"
LAKE = "tests/lake/test_lake.py::"


def blindly(self, state, etag):
    self._store.write(self._key, state.to_json(), overwrite=True)


def unpublished(right, self, values):
    done = right(self, values)
    return done._replace(path=f"{done.path}.soon")


def append_overwrites(right, self, name, mode, *args, **options):
    right(self, name, "overwrite" if mode == "append" else mode, *args, **options)


def all_but_hidden(self, older_than=0.0):
    return dataset.Vacuumed(0, self.store.delete_many([info.key for info in self._litter()]) or 0)


def by_age(right, self, older_than=0.0):
    now = self._commits().read()[0]
    gone = [self.key(file.path) for file in now.removed]
    self.store.delete_many(gone)
    return dataset.Vacuumed(len(gone), 0)


def damaged_is_none(right, self):
    try:
        return right(self)
    except IntegrityError:
        return None, None


def least_everywhere(right, groups):
    found = right(groups)
    return found._replace(greatest=found.least)


def no_nulls(right, groups):
    return right(groups)._replace(nulls=0)


def deleted_at_once(right, self, *args, **options):
    done = right(self, *args, **options)
    self.store.delete_many([self.key(gone.path) for gone in done.removed])
    return done


def none_by_name(right, name, value):
    return "None" if value is None else right(name, value)


def missing_is_whole(self):
    broken = []
    for entry in self.files():
        try:
            self.store.read_bytes(entry.key)
        except NotFound:
            broken.append(entry.key)
    return tuple(broken)


BUGS = {
    "manifest unconditional": Bug(
        "a commit overwrites the manifest whatever it says by now",
        f"{TABLES}test_appends_at_once_all_land[memory]",
        where="lake",
        plant=patched(commits.Commits, "_swap", blindly),
    ),
    "overwrites both win": Bug(
        "a loser plans its overwrite again on the winner's state",
        f"{TABLES}test_of_overwrites_at_once_one_wins[memory]",
        where="lake",
        plant=ignored(dataset._Plan, "_still_right"),
    ),
    "files not there yet": Bug(
        "the manifest names files that are not published",
        f"{TABLES}test_rows_types_and_order_of_columns_come_back[memory]",
        where="lake",
        plant=changed(staging._File, "publish", unpublished),
    ),
    "append replaces": Bug(
        "an append drops the rows before it",
        f"{TABLES}test_modes_replace_all_some_or_no_rows[memory]",
        where="lake",
        plant=changed(dataset._Plan, "__init__", append_overwrites),
    ),
    "vacuum takes live files": Bug(
        "`vacuum` deletes files that the manifest names",
        f"{LAKE}test_vacuum_cleans_every_table[memory]",
        where="lake",
        plant=patched(dataset.Dataset, "vacuum", all_but_hidden),
    ),
    "vacuum does not wait": Bug(
        "`vacuum` takes at once what left the dataset",
        f"{TABLES}test_vacuum_keeps_what_left_the_dataset_only_now[memory]",
        where="lake",
        plant=changed(dataset.Dataset, "vacuum", by_age),
    ),
    "replaced files deleted": Bug(
        "an overwrite deletes the files that readers still read",
        f"{TABLES}test_a_dataset_opened_before_an_overwrite_still_reads_the_old_rows[memory]",
        where="lake",
        plant=changed(dataset.Dataset, "write", deleted_at_once),
    ),
    "staged files left": Bug(
        "a write that fails leaves its files",
        f"{TABLES}test_a_failing_frame_publishes_nothing_and_leaves_no_file[memory]",
        where="lake",
        plant=ignored(staging.Stage, "discard"),
    ),
    "schema unchecked": Bug(
        "columns of another type or name are written",
        f"{TABLES}test_another_schema_is_refused_by_column",
        where="lake",
        plant=ignored(dataset, "check_fits"),
    ),
    "damage is emptiness": Bug(
        "a broken manifest reads as no table yet",
        f"{TABLES}test_a_broken_manifest_is_an_integrity_error",
        where="lake",
        plant=changed(commits.Commits, "read", damaged_is_none),
    ),
    "two writers unguarded": Bug(
        "a store that cannot decide between writers is taken",
        f"{TABLES}test_a_store_that_cannot_decide_is_refused_unless_one_writer_is_promised",
        where="lake",
        plant=ignored(commits.Commits, "check"),
    ),
    "greatest is least": Bug(
        "the manifest's ranges are wrong",
        f"{TABLES}test_the_manifest_tells_rows_bytes_and_ranges[memory]",
        where="lake",
        plant=changed(staging, "_range", least_everywhere),
    ),
    "nulls uncounted": Bug(
        "the manifest tells of no missing value",
        f"{TABLES}test_the_manifest_tells_rows_bytes_and_ranges[memory]",
        where="lake",
        plant=changed(staging, "_range", no_nulls),
    ),
    "rows miscounted": Bug(
        "a file counts one row less",
        f"{TABLES}test_the_manifest_tells_rows_bytes_and_ranges[memory]",
        where="lake",
        plant=patched(manifest.Manifest, "rows", property(lambda self: sum(file.rows - 1 for file in self.files))),
    ),
    "partition not escaped": Bug(
        "a value makes folders of its own",
        f"{PATHS}test_paths_are_those_of_hive",
        where="lake",
        plant=patched(partition, "_escape", lambda text: text),
    ),
    "missing partition is 'None'": Bug(
        "a missing value becomes a text",
        f"{PATHS}test_what_is_formatted_parses_back",
        where="lake",
        plant=changed(partition, "_format", none_by_name),
    ),
    "sources mixed": Bug(
        "a file of another source takes a raw file's place",
        f"{LAKE}test_two_sources_of_one_path_are_refused_unless_set_apart[memory]",
        where="lake",
        plant=ignored(bronze, "_refuse_other_source"),
    ),
    "change seen by size": Bug(
        "a raw file is the same if it is as long",
        f"{LAKE}test_ingest_again_copies_only_what_is_new_changed_or_gone[memory]",
        where="lake",
        plant=patched(bronze, "_same", lambda known, info: True),
    ),
    "digest unread": Bug(
        "`verify` does not look at the bytes",
        f"{LAKE}test_verify_names_what_is_not_as_it_was_ingested[memory]",
        where="lake",
        plant=patched(bronze.Bronze, "verify", missing_is_whole),
    ),
    "all tables opened": Bug(
        "`sql` opens tables that the query does not name",
        f"{LAKE}test_sql_opens_only_the_tables_that_are_named",
        where="lake",
        plant=patched(engines, "named_tables", lambda query, layers: [("silver", name) for name in "abc"]),
    ),
}
