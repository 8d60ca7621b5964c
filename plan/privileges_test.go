package plan_test

import "testing"

const staff = `CREATE TABLE staff (id bigint PRIMARY KEY, email text, salary integer, tenant text);
GRANT SELECT ON staff TO onward_test_reader;
GRANT SELECT (id, email), UPDATE (email) ON staff TO onward_test_clerk;
GRANT SELECT (salary) ON staff TO "Onward_test_payroll";
COMMENT ON TABLE staff IS 'who works here';
COMMENT ON COLUMN staff.salary IS 'per month';
ALTER TABLE staff ALTER COLUMN salary SET STATISTICS 500;
`

// What takes the place of a column or a table has the privileges, the comments and the statistics targets of the old one, and
// the proof holds it: roles that only the schema or the release names are there.
func TestPrivileges(t *testing.T) {
	t.Parallel()
	proven(t, staff, []change{
		{"columns", `ALTER TABLE staff RENAME COLUMN email TO mail; ALTER TABLE staff ALTER COLUMN salary TYPE bigint; CREATE TABLE reviews (id bigint PRIMARY KEY); GRANT SELECT ON reviews TO onward_test_auditor;`, 17,
			[]string{
				"GRANT SELECT (mail) ON staff TO onward_test_clerk", "GRANT UPDATE (mail) ON staff TO onward_test_clerk",
				`GRANT SELECT (salary_onward) ON staff TO "Onward_test_payroll"`, "salary_onward SET STATISTICS 500",
			}, ""},
		{"a table", `ALTER TABLE staff ADD COLUMN yearly integer GENERATED ALWAYS AS (salary * 12) STORED;`, 17,
			[]string{
				"GRANT select (id, email) ON staff_onward TO onward_test_clerk",
				"COMMENT ON TABLE staff_onward IS 'who works here'", "staff_onward ALTER COLUMN salary SET STATISTICS 500",
			}, ""},
	})
}
