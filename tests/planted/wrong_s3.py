"""Bugs of the S3 backend, in either of its lanes and in what both share."""

from remote_store import errors
from remote_store.backend import Page
from remote_store.backends import _obstore
from remote_store.backends.s3 import backend, boto, listing, upload
from remote_store.backends.s3 import errors as s3_errors
from remote_store.models import Metadata
from tests.planted.patches import changed, ignored, patched, together
from tests.planted.planting import Bug

WRITING = "tests/backends/test_s3_writing.py::"
LISTING = "tests/backends/test_s3_listing.py::"
FAULTS = "tests/backends/test_s3_faults.py::"
ACCESS = "tests/backends/test_s3_access.py::"
OBSTORE, BOTO3, BOTH = "s3, obstore", "s3, boto3", "s3, both lanes"


def unconditional(right, self, key, data, options):
    return right(self, key, data, options._replace(overwrite=True))


def unswapped(right, self, key, data, options):
    blind = options._replace(overwrite=options.overwrite or options.if_match is not None, if_match=None)
    return right(self, key, data, blind)


def from_the_start(right, self, key, span, *pins):
    return right(self, key, span and span._replace(offset=0), *pins)


def to_the_end(right, self, key, span, *pins):
    return right(self, key, span and span._replace(length=None), *pins)


def unpinned(right, self, key, span, *pins):
    return right(self, key, span, None, pins[1])


async def etag_forgotten(right, self, key, data, options):
    return (await right(self, key, data, options))._replace(etag=None)


def undescribed(right, self, key, data, options):
    return right(self, key, data, options._replace(content_type=None))


def without_metadata(right, key, got):
    return right(key, got)._replace(metadata=Metadata({}))


def without_last_part(right, client, named, etags, asked):
    return right(client, named, dict(sorted(etags.items())[:-1]), asked)


def copied_anew(self, source, target, overwrite):
    place = {"Bucket": self._bucket, "Key": source}
    self.client.copy_object(Bucket=self._bucket, Key=target, CopySource=place, MetadataDirective="REPLACE")


def first_only(right, self, keys):
    return right(self, keys[:1])


def blind_delete(self, key, if_match):
    self.delete(key)


def first_page(right, self, *args):
    return Page(right(self, *args).entries)


def bare_prefix(right, self, prefix, *args):
    return right(self, prefix.removesuffix("/"), *args)


def markers_as_files(right, self, rows):
    named = [(row, listing._decoded(row["Key"])) for row in rows]
    return [(row, key.removesuffix("/")) for row, key in named], False


def denied_is_missing(right, status, code, bucket):
    return errors.NotFound if status == 403 else right(status, code, bucket)


def no_bucket_is_no_file(right, status, code, bucket):
    return errors.NotFound if code == "NoSuchBucket" else right(status, code, bucket)


def busy_is_final(right, status, code, bucket):
    found = right(status, code, bucket)
    return errors.RemoteStoreError("busy") if status == 503 else found


def tree_of_one(self, folder):
    self._sdk().delete_many(self._listing().keys(f"{folder}/")[:1])


ENGINE = _obstore.Engine

BUGS = {
    "If-None-Match forgotten": Bug(
        "`put` without the condition replaces",
        "test_an_existing_file_is_not_replaced_by_default",
        where=OBSTORE,
        plant=changed(ENGINE, "put", unconditional),
    ),
    "If-Match forgotten": Bug(
        "`put` swaps whatever stands there",
        "test_another_etag_changes_nothing",
        where=OBSTORE,
        plant=changed(ENGINE, "put", unswapped),
    ),
    "begin of a range ignored": Bug(
        "a range begins at 0", "test_a_range_is_the_slice", where=OBSTORE, plant=changed(ENGINE, "get", from_the_start)
    ),
    "end of a range ignored": Bug(
        "a range goes to the end", "test_a_range_is_the_slice", where=OBSTORE, plant=changed(ENGINE, "get", to_the_end)
    ),
    "a read is not pinned": Bug(
        "a reader goes on in another version",
        "test_a_file_replaced_while_it_is_read_is_noticed",
        where=OBSTORE,
        plant=changed(ENGINE, "get", unpinned),
    ),
    "etag forgotten": Bug(
        "a write tells no etag",
        "test_the_etag_of_a_write_is_the_one_that_is_found",
        where=OBSTORE,
        plant=changed(ENGINE, "put", etag_forgotten),
    ),
    "content type forgotten": Bug(
        "`put` sends no content type",
        "test_the_content_type_comes_back",
        where=OBSTORE,
        plant=changed(ENGINE, "put", undescribed),
    ),
    "metadata not read": Bug(
        "facts carry no metadata",
        "test_metadata_comes_back",
        where=OBSTORE,
        plant=changed(_obstore, "_info", without_metadata),
    ),
    "If-None-Match forgotten by botocore's lane": Bug(
        "`put` without the condition replaces",
        "test_an_existing_file_is_not_replaced_by_default",
        where=BOTO3,
        plant=changed(boto.Boto, "put", unconditional),
    ),
    "If-Match forgotten by botocore's lane": Bug(
        "`put` swaps whatever stands there",
        "test_another_etag_changes_nothing",
        where=BOTO3,
        plant=changed(boto.Boto, "put", unswapped),
    ),
    "begin of a range ignored by botocore's lane": Bug(
        "a range begins at 0",
        "test_a_range_is_the_slice",
        where=BOTO3,
        plant=changed(boto.Boto, "get", from_the_start),
    ),
    "a read is not pinned by botocore's lane": Bug(
        "a reader goes on in another version",
        "test_a_file_replaced_while_it_is_read_is_noticed",
        where=BOTO3,
        plant=changed(boto.Boto, "get", unpinned),
    ),
    "content type forgotten by botocore's lane": Bug(
        "`put` sends no content type",
        "test_the_content_type_comes_back",
        where=BOTO3,
        plant=changed(boto.Boto, "put", undescribed),
    ),
    "metadata not read by botocore's lane": Bug(
        "facts carry no metadata",
        "test_metadata_comes_back",
        where=BOTO3,
        plant=changed(boto, "_info", without_metadata),
    ),
    "commit without condition": Bug(
        "the end of an upload replaces what came meanwhile",
        f"{WRITING}test_a_file_that_appears_during_an_upload_wins[seaweedfs-obstore-sync]",
        where=BOTH,
        plant=patched(upload, "conditions", lambda options: {}),
    ),
    "upload not aborted": Bug(
        "an upload that breaks off stays at the service",
        f"{WRITING}test_an_upload_that_breaks_off_leaves_nothing[seaweedfs-obstore-sync]",
        where=BOTH,
        plant=ignored(upload, "abort"),
    ),
    "upload undescribed": Bug(
        "an upload in parts drops metadata and type",
        f"{WRITING}test_an_upload_in_parts_keeps_content_metadata_and_type[seaweedfs-obstore-sync]",
        where=BOTH,
        plant=patched(boto, "described", lambda options: {}),
    ),
    "last part forgotten": Bug(
        "a commit names all parts but the last",
        "test_sizes_around_a_part_arrive_whole",
        where=BOTH,
        plant=changed(upload, "complete", without_last_part),
    ),
    "a copy is described anew": Bug(
        "a copy has no metadata",
        "test_metadata_travels_with_a_copy",
        where=BOTH,
        plant=patched(boto.Boto, "copy", copied_anew),
    ),
    "delete_many sends one key": Bug(
        "of many files the first is deleted",
        "test_delete_many_removes_all_and_minds_none_missing",
        where=BOTH,
        plant=changed(boto.Boto, "delete_many", first_only),
    ),
    "conditional delete is none": Bug(
        "`delete` takes any version",
        "test_delete_with_an_etag_deletes_that_version_only",
        where=BOTH,
        plant=patched(boto.Boto, "delete_version", blind_delete),
    ),
    "a tree loses one leaf": Bug(
        "`delete_tree` stops after the first key",
        f"{LISTING}test_a_folder_goes_with_all_markers_below[seaweedfs-obstore-sync]",
        where=BOTH,
        plant=patched(backend.S3Backend, "_delete_tree", tree_of_one),
    ),
    "last page dropped": Bug(
        "a listing ends with its first page",
        "test_more_than_a_page_arrives_complete_and_in_order",
        where=BOTH,
        plant=together(patched(listing, "PAGE", 5), changed(listing.Lister, "page", first_page)),
    ),
    "prefix without a slash": Bug(
        "`a` shows `ab/2`",
        "test_a_folder_never_shows_what_only_begins_alike",
        where=BOTH,
        plant=changed(listing.Lister, "_ask", bare_prefix),
    ),
    "keys left encoded": Bug(
        "listed keys are percent-encoded",
        "test_odd_keys_are_listed_as_given_and_in_order",
        where=BOTH,
        plant=patched(listing, "_decoded", lambda key: key),
    ),
    "markers are files": Bug(
        "a folder's marker is listed as a file",
        f"{LISTING}test_markers_are_folders_and_never_files[seaweedfs-obstore-sync]",
        where=BOTH,
        plant=changed(listing.Lister, "_judged", markers_as_files),
    ),
    "prefixes sort as keys": Bug(
        "`a` sorts before `a.csv` as a folder",
        "test_children_are_files_and_folders_in_order",
        where=BOTH,
        plant=patched(listing, "_order", lambda entry: entry[0]),
    ),
    "403 is absence": Bug(
        "a refused request means a missing file",
        f"{FAULTS}test_each_refusal_has_its_kind_and_hides_what_is_hidden[sync-boto3-403-ExpiredToken-PermissionDenied]",
        where=BOTH,
        plant=changed(s3_errors, "_of_answer", denied_is_missing),
    ),
    "no bucket is no file": Bug(
        "a missing bucket means a missing file",
        "tests/bad_input/test_services.py::test_every_call_says_what_the_trouble_is_in_time[sync-missing bucket-boto3]",
        where=BOTH,
        plant=changed(s3_errors, "_of_answer", no_bucket_is_no_file),
    ),
    "busy is final": Bug(
        "503 is not asked again",
        f"{FAULTS}test_a_busy_service_is_asked_again[sync-obstore]",
        where=BOTH,
        plant=changed(s3_errors, "_of_answer", busy_is_final),
    ),
}
