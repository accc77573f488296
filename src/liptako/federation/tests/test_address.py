"""The page of a partner's address says at its head what is wrong, and leads to the field."""


def test_an_address_with_a_fault_is_named_in_a_summary(desk):
    page = desk.post("/partners/BF/address/", {"url": "http://node.bf"}).content.decode()
    summary = page.partition('role="alert"')[2].partition("</div>")[0]
    assert '<a href="#id_url">Address</a>' in summary
    assert "Expected https://HOST:PORT." in summary
    assert page.count('id="id_url"') == 1
