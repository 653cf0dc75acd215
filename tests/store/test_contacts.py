from datetime import timedelta

from sqlalchemy import text

from cxnlp.records import Customer

from .samples import NOW, enrich, make_analysis, make_feedback

DAY = timedelta(days=1)


def add(store, n, at, customer="c-ann", touchpoint="delivery"):
    feedback = make_feedback(n, created_at=at, customer=Customer(customer, None) if customer else None)
    (receipt,) = store.feedback.add([feedback], NOW)
    enrich(store, lambda _: make_analysis(touchpoint=touchpoint, cause=None))
    return receipt.id


def test_contacts_are_of_the_same_customer_about_the_same_touchpoint_before_and_near(store):
    add(store, 1, NOW - 8 * DAY)
    add(store, 2, NOW - 3 * DAY)
    add(store, 3, NOW - 2 * DAY, customer="c-bob")
    add(store, 4, NOW - 1 * DAY, touchpoint="support")
    add(store, 5, NOW + DAY)
    add(store, 6, NOW - DAY)
    asked = add(store, 7, NOW)
    assert store.contacts.earlier([asked], 7) == {asked: [NOW - DAY, NOW - 3 * DAY]}
    assert len(store.contacts.earlier([asked], 30)[asked]) == 3


def test_records_without_a_customer_or_an_earlier_contact_are_left_out(store):
    add(store, 1, NOW, customer=None)
    assert store.contacts.earlier([add(store, 2, NOW, customer=None), add(store, 3, NOW), "r-none"], 30) == {}


def test_of_two_at_the_same_time_the_later_received_is_the_repeat(store):
    first, second = add(store, 1, NOW), add(store, 2, NOW)
    assert store.contacts.earlier([first, second], 1) == {second: [NOW]}


def test_many_contacts_are_counted_up_to_twenty(store):
    store.feedback.add([make_feedback(n, created_at=NOW - n * timedelta(hours=1), customer=Customer("c-ann", None)) for n in range(1, 30)], NOW)
    enrich(store)
    asked = add(store, 0, NOW)
    assert len(store.contacts.earlier([asked], 90)[asked]) == 20


def test_the_way_to_a_customers_contacts_is_indexed(sqlite_store):
    with sqlite_store.database.read() as connection:
        plan = connection.execute(
            text("EXPLAIN QUERY PLAN SELECT created_at FROM feedback WHERE customer_id = 'c' AND created_at >= 1 ORDER BY created_at DESC")
        )
        assert "ix_feedback_customer_id_created_at" in str(plan.all())
