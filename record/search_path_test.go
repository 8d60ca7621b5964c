package record_test

import (
	"fmt"
	"net/url"
	"os"
	"testing"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/record"
)

// readShops reads tables whose schemas come from settings: the role's, the database's, the role's in this database, and the client's own.
func readShops(t *testing.T) {
	t.Helper()
	main := pgservertest.Connect(t, os.Getenv("DATABASE_URL"))
	connect := func(user, options string) {
		t.Helper()
		address, err := url.Parse(os.Getenv("DATABASE_URL"))
		if err != nil {
			t.Fatal(err)
		}
		address.User = url.User(user)
		values := address.Query()
		if options != "" {
			values.Set("options", options)
		}
		address.RawQuery = values.Encode()
		client := pgservertest.Connect(t, address.String())
		if _, err := client.Exec(t.Context(), fmt.Sprintf("SELECT * FROM goods /* %s%s */ WHERE '%[1]s%[2]s' <> ''", user, options)); err != nil {
			t.Errorf("query goods as %s: %v", user, err)
		}
	}
	statements := []string{"GRANT CREATE ON DATABASE " + os.Getenv("PGDATABASE") + " TO PUBLIC"}
	for _, schema := range []string{"of_role", "of_database", "of_both", "of_client"} {
		statements = append(statements, "CREATE SCHEMA "+schema, "GRANT USAGE ON SCHEMA "+schema+" TO PUBLIC",
			"CREATE TABLE "+schema+".goods ("+schema+" int)", "GRANT SELECT ON "+schema+".goods TO PUBLIC")
	}
	statements = append(statements, "CREATE ROLE seller LOGIN", "CREATE ROLE buyer LOGIN", "CREATE ROLE owner LOGIN",
		"ALTER ROLE seller SET search_path = of_role", "ALTER DATABASE "+os.Getenv("PGDATABASE")+" SET search_path = of_database, public",
		"ALTER ROLE owner SET search_path = of_role", "ALTER ROLE owner IN DATABASE "+os.Getenv("PGDATABASE")+" SET search_path = of_both")
	for _, sql := range statements {
		if _, err := main.Exec(t.Context(), sql); err != nil {
			t.Fatalf("run %s: %v", sql, err)
		}
	}
	connect("seller", "")
	connect("buyer", "")
	connect("owner", "")
	connect("seller", "-csearch_path=of_client")
}

// A query has the search_path of its session, also if ALTER ROLE or ALTER DATABASE has set it.
func TestSearchPathOfRole(t *testing.T) {
	t.Parallel()
	for _, major := range []int{15, 18} {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			t.Parallel()
			r := recordCommand(t, record.Config{Command: self(), Env: []string{program + "=settings"}, Major: major, Transcript: true})
			found := map[string]bool{}
			for _, q := range r.Workload.Queries {
				if len(q.Columns) == 1 && q.SearchPath != "" {
					found[q.Role+" "+q.SearchPath+" "+q.Columns[0].Name] = true
				}
			}
			for _, session := range r.Transcript.Sessions {
				found["session "+session.User+" "+session.Parameters["search_path"]] = true
			}
			for _, want := range []string{
				"seller of_role of_role", "buyer of_database, public of_database", "owner of_both of_both", "seller of_client of_client",
				"session seller of_role", "session buyer of_database, public", "session owner of_both",
			} {
				if !found[want] {
					t.Errorf("nothing is %q: %v", want, found)
				}
			}
		})
	}
}
