/* The texts of addresses. */
#include "bindings/net/net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void check_name(const char *address, const char *expected) {
    struct sockaddr_storage name;
    char text[DSL_ADDRESS_SIZE];
    assert_int_equal(dsl_address_get(address, 80, &name), 0);
    dsl_address_name((struct sockaddr *)&name, text);
    assert_string_equal(text, expected);
}

static void an_address_is_told_as_it_is_given(void **state) {
    (void)state;
    check_name("127.0.0.1", "127.0.0.1");
    check_name("::1", "::1");
    check_name("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
               "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

static void a_link_local_one_has_its_network(void **state) {
    (void)state;
    check_name("fe80::1%lo", "fe80::1%lo");
    check_name("fe80::1", "fe80::1");
    check_name("fe80::1%no_such", "fe80::1");
    check_name("::1%lo", "::1");
}

static void a_network_that_is_gone_is_left_out(void **state) {
    (void)state;
    struct sockaddr_storage name;
    char text[DSL_ADDRESS_SIZE];
    assert_int_equal(dsl_address_get("fe80::1%lo", 80, &name), 0);
    ((struct sockaddr_in6 *)&name)->sin6_scope_id = 1U << 30;
    dsl_address_name((struct sockaddr *)&name, text);
    assert_string_equal(text, "fe80::1");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_told_as_it_is_given),
        cmocka_unit_test(a_link_local_one_has_its_network),
        cmocka_unit_test(a_network_that_is_gone_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
