package audit

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Flyway merges the locations that a setting names, and orders all files by version.
func TestFlywayLocations(t *testing.T) {
	t.Parallel()
	const (
		two   = "-- res/application.yml --\nspring:\n  flyway:\n    locations:\n      - classpath:sql/schema\n      - classpath:sql/reports\n"
		one   = "-- res/application.yml --\nspring:\n  flyway:\n    locations: classpath:sql/schema\n"
		trips = "-- res/sql/schema/V1__trips.sql --\nCREATE TABLE trips (id bigint PRIMARY KEY, fare numeric);\n"
		fares = "-- res/sql/reports/V2__fares.sql --\nCREATE VIEW fares AS SELECT fare FROM trips;\n"
		built = "error index-create-blocking V3__index.sql:1"
	)
	for name, tc := range map[string]struct {
		base, head string
		want       []string
	}{
		"a view goes before its column": {
			two + trips + fares,
			"-- res/sql/reports/V3__no_fares.sql --\nDROP VIEW fares;\n-- res/sql/schema/V4__no_fare.sql --\nALTER TABLE trips DROP COLUMN fare;\n", nil,
		},
		"the column goes before its view": {
			two + trips + fares,
			"-- res/sql/schema/V3__no_fare.sql --\nALTER TABLE trips DROP COLUMN fare;\n-- res/sql/reports/V4__no_fares.sql --\nDROP VIEW fares;\n",
			[]string{"error release-statement-fails V3__no_fare.sql:1"},
		},
		"a file below one that the other location has": {
			two + trips + "-- res/sql/reports/V3__fares.sql --\nCREATE VIEW fares AS SELECT fare FROM trips;\n",
			"-- res/sql/schema/V2__tips.sql --\nCREATE TABLE tips (id bigint PRIMARY KEY);\n", []string{"error release-out-of-order V2__tips.sql:1"},
		},
		"the first file of a new location": {
			one + trips, two + "-- res/sql/reports/V3__index.sql --\nCREATE INDEX trips_fare ON trips (fare);\n", []string{built},
		},
		"a location that moved": {
			two + trips + fares, "-- res/application.yml --\nspring.flyway.locations: classpath:sql/schema,classpath:sql/views\n" +
				"-- res/sql/reports/V2__fares.sql --\n-- res/sql/views/V2__fares.sql --\nCREATE VIEW fares AS SELECT fare FROM trips;\n" +
				"-- res/sql/views/V3__index.sql --\nCREATE INDEX trips_fare ON trips (fare);\n", []string{built},
		},
		"a wider directory": {
			two + trips + fares, "-- res/application.yml --\nspring.flyway.locations: classpath:sql/schema,classpath:sql/reports,classpath:more\n" +
				"-- res/more/V3__index.sql --\nCREATE INDEX trips_fare ON trips (fare);\n", []string{built},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := changelog0(t, Config{Dir: repository(t, tc.base, tc.head), Base: "main"})
			var errors []string
			for _, f := range found(r) {
				if f[:5] == "error" && f != "error column-drop V4__no_fare.sql:1" {
					errors = append(errors, f)
				}
			}
			if diff := cmp.Diff(tc.want, errors); diff != "" {
				t.Error(diff)
			}
		})
	}
}
