package audit

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// safety_assured of strong_migrations silences nothing here. It is a note where onward finds an error, or a warning about code or rows.
func TestSafetyAssured(t *testing.T) {
	t.Parallel()
	const base = "-- db/migrate/1_a.rb --\nclass A < ActiveRecord::Migration[7.1]\n  def change\n    create_table(:users) { |t| t.text :name }\n  end\nend\n"
	const head = base + "-- db/migrate/2_b.rb --\nclass B < ActiveRecord::Migration[7.1]\n  def change\n" +
		"    safety_assured do\n      add_index :users, :name\n    end\n" +
		"    safety_assured { add_column :users, :age, :integer }\n" + // is safe
		"    safety_assured { remove_column :users, :name } # onward:ignore column-drop: nobody reads it\n" +
		"  end\nend\n"
	r := changelog0(t, Config{Dir: repository(t, base, head)})
	var got []string
	for _, f := range r.Findings {
		if f.Rule == "suppression-reason-missing" || f.Rule == "index-create-blocking" {
			got = append(got, fmt.Sprintf("%s:%d:%d %s %s", f.Path, f.Line, f.Column, f.Severity, f.Fact))
		}
	}
	want := []string{
		"db/migrate/2_b.rb:3:5 info safety_assured gives no reason",
		"db/migrate/2_b.rb:4:7 error creating index index_users_on_name blocks writes to users",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if r.Summary.Suppressed != 1 {
		t.Errorf("%d findings are suppressed", r.Summary.Suppressed)
	}
}
