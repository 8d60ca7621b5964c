package address_test

import (
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/address"
)

// The driver reads the setting as it was given, in each form of an address.
func TestWithSetting(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"postgres://u:p%2Bq@h:5433/d", "postgres://u@h/d?sslmode=disable&options=-c%20geqo%3Doff", "host=h user=u dbname=d", "postgresql:///d?host=/tmp",
		"postgres://u@h/d?search_path=other",
	} {
		for _, value := range []string{`"Tenant ""B"""`, `"it's a \ + & %41=1", public`, "plain"} {
			before, err := pgconn.ParseConfig(text)
			if err != nil {
				t.Fatal(err)
			}
			c, err := pgconn.ParseConfig(address.WithSetting(text, "search_path", value))
			if err != nil || c.RuntimeParams["search_path"] != value || c.RuntimeParams["options"] != before.RuntimeParams["options"] ||
				c.Host != before.Host || c.Database != before.Database || c.Password != before.Password || c.Port != before.Port {
				t.Errorf("WithSetting(%q, search_path, %q) parses as %v, %v; want only search_path changed", text, value, c, err)
			}
		}
	}
}
