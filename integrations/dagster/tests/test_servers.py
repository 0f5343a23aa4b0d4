"""The servers of the test suite are there in the environments of the orchestrators too."""

from remote_store import Store


def test_a_store_on_s3_works_here(seaweedfs, seaweedfs_bucket):
    secrets = {"access_key": seaweedfs.access_key, "secret_key": seaweedfs.secret_key}
    uri = f"s3://{seaweedfs_bucket}?endpoint_url={seaweedfs.endpoint_url}&region={seaweedfs.region}"
    with Store.from_uri(uri, **secrets) as store:
        store.write("a", b"1")
        assert store.read_bytes("a") == b"1"
