package effect_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
)

// TestExtensionModifiers has what servers do with the modifiers of extensions' types: PostGIS 3.3.2 on Postgres 15 and pgvector 0.6.2 on 16
// were asked for pg_class.relfilenode of the table and of its GiST index, before and after.
func TestExtensionModifiers(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		before, after string
		rewrites      bool
	}{
		{"geometry", "geometry(Point)", true},
		{"geometry", "geometry(Geometry)", true},
		{"geometry", "geometry(Geometry, 0)", true},
		{"geometry(Point)", "geometry", false},
		{"geometry(Geometry)", "geometry", false},
		{"geometry(Point)", "geometry(Point, 0)", false},
		{"geometry(Point, 4326)", "geometry(POINT, 4326)", false},
		{"geometry(Point, 4326)", "geometry('POINT', 4326)", false},
		{"geometry(Point, 4326)", "geometry(Geometry, 4326)", true},
		{"geometry(Point, 4326)", "geometry(PointZ, 4326)", true},
		{"geometry(Point, 4326)", "geometry(Point, 3857)", true},
		{"geometry(Point, 4326)", "geometry(Point)", true},
		{"geometry(Point, 4326)", "geometry", false},
		{"geography", "geography(Point)", true},
		{"geography(Point)", "geography(Point, 4326)", false},
		{"geography(Point, 4326)", "geography", false},
		{"geometry", "geography", true},
		{"geometry[]", "geometry(Point)[]", true},
		{"geometry(Point)[]", "geometry[]", false},
		{"vector", "vector(3)", true},
		{"vector(3)", "vector", false},
		{"vector(3)", "vector(3)", false},
		{"vector(3)", "vector(4)", true},
	} {
		c := fold(t, catalog.New(), "CREATE EXTENSION postgis; CREATE EXTENSION vector; CREATE TABLE places (id bigint PRIMARY KEY, spot "+x.before+");")
		r := effect.EffectOf(one(t, "ALTER TABLE places ALTER COLUMN spot TYPE "+x.after), c, effect.NewVersion(18), effect.Inputs{})
		if len(r.Effects) == 0 || r.Effects[0].Rewrites != x.rewrites {
			t.Errorf("%s to %s: %v, the server rewrites: %t", x.before, x.after, describe(r), x.rewrites)
		}
	}
}
