-- The orders database. Applied at every start, so each statement may be repeated.
create table if not exists stock (
    sku text primary key,
    on_hand integer not null check (on_hand >= 0)
);

create table if not exists orders (
    id bigint generated always as identity primary key,
    sku text not null references stock,
    quantity integer not null check (quantity > 0),
    state text not null default 'placed' check (state in ('placed', 'paid', 'declined')),
    placed_at timestamptz not null default now()
);

create table if not exists payment_attempts (
    order_id bigint not null references orders,
    attempt integer not null,
    outcome text not null check (outcome in ('approved', 'declined', 'transient')),
    at timestamptz not null default now(),
    primary key (order_id, attempt)
);

insert into stock (sku, on_hand)
select 'sku-' || lpad(n::text, 3, '0'), 1000000 from generate_series(1, 40) as n
on conflict (sku) do nothing;

grant select, insert, update on stock, orders, payment_attempts to shop;
