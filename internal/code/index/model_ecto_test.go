package index_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
)

// TestEctoFields checks the columns that Ecto's statements name. They were compared with Ecto 3.12.5. A column with
// a minus is not named.
func TestEctoFields(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ head, body, columns string }{
		"field":              {"", "field :kind, :string\n    field(:rank, :integer, default: 1)", "id kind rank -default"},
		"source":             {"", "field :nickname, :string,\n      source: :nick", "nick -nickname"},
		"virtual":            {"", "field :kind, Ecto.Enum,\n      values: [:a, :b],\n      virtual: true\n    field :rank, :integer", "rank -kind -values"},
		"not loaded":         {"", "field :kind, :string, load_in_query: false", "-kind"},
		"embedded":           {"", "embeds_one :address, Address, on_replace: :delete do\n      field :city, :string\n    end", "address"},
		"polymorphic":        {"", "polymorphic_embeds_many :parts,\n      types: [a: A]", "parts"},
		"owner":              {"", "belongs_to :team, Team\n    belongs_to(:boss, User, foreign_key: :chief_id)", "team_id chief_id -boss_id"},
		"owner of a field":   {"", "field :team_id, :integer, source: :crew_id\n    belongs_to :team, Team, define_field: false", "crew_id -team_id"},
		"key":                {"@primary_key {:uid, :binary_id, autogenerate: true}", "", "uid -id"},
		"source of the key":  {"@primary_key {:uid, :id, source: :pid}", "", "pid -uid"},
		"no key":             {"@primary_key false", "field :kind, :string", "kind -id"},
		"times":              {"", "timestamps()", "inserted_at updated_at"},
		"own times":          {"", "timestamps(inserted_at: :made, updated_at: false)", "made -inserted_at -updated_at"},
		"times of a module":  {"@timestamps_opts [type: :utc_datetime, inserted_at: :made]", "timestamps()", "made updated_at -inserted_at"},
		"sources of times":   {"", "timestamps(inserted_at_source: :made, updated_at_source: false)", "made updated_at"},
		"soft delete":        {"", "soft_delete_schema()", "deleted_at"},
		"in a comment":       {"", "# field :kind, :string", "-kind"},
		"other associations": {"", "has_many :posts, Post\n    has_one :flag, Flag", "-posts -post_id -flag"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := bound(t, map[string]string{"lib/user.ex": "defmodule Shop.User do\n  " + tt.head + "\n  schema \"users\" do\n    " + tt.body + "\n  end\nend\n"})
			for column := range strings.FieldsSeq(tt.columns) {
				name, absent := strings.CutPrefix(column, "-")
				if got := places(b.Column(users, name)); (got == "") != absent {
					t.Errorf("uses of column %s = %q, want none: %t", name, got, absent)
				}
			}
		})
	}
}

// TestEctoTables checks the table of a schema, the next module's, and a table between two schemas.
func TestEctoTables(t *testing.T) {
	t.Parallel()
	b := bound(t, map[string]string{"lib/a.ex": "defmodule Shop.A do\n  @schema_prefix :crm\n  typed_schema \"users\" do\n    field :kind, :string\n" +
		"    many_to_many :tags, Tag, join_through: \"user_tags\", join_keys: [user_id: :id, tag_id: :id]\n  end\nend\n" +
		"defmodule Shop.B do\n  schema \"teams\" do\n    field :kind, :string\n  end\nend\n"})
	for name, want := range map[string]string{
		"crm.users.kind": "lib/a.ex:4", "public.users.kind": "", "public.teams.kind": "lib/a.ex:10", "public.user_tags.user_id": "lib/a.ex:5",
		"public.user_tags.tag_id": "lib/a.ex:5", "public.user_tags.id": "",
	} {
		part := strings.Split(name, ".")
		if got := places(b.Column(catalog.Name{Schema: part[0], Name: part[1]}, part[2])); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
