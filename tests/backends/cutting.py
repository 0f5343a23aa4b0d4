"""Connections of SFTP that are reset before a question of one's choice."""

from remote_store.backends.sftp.channel import Channel


def cuts_of(proxy, monkeypatch):
    """A list that says of each question to come whether the proxy's connections are reset before it."""
    send, cuts = Channel.send, []

    def cut(channel, requests):
        if cuts and cuts.pop(0):
            proxy.reset_all()
        return send(channel, requests)

    monkeypatch.setattr(Channel, "send", cut)
    return cuts
