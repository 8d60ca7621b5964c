package deployed

import (
	"testing"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/code/index"
)

// A use that only scripts of seeds make is no use by deployed code; it stays a possible one.
func TestUsesBySeedScripts(t *testing.T) {
	t.Parallel()
	for path, seed := range map[string]bool{
		"scripts/seed-database/write/shops.sql": true, "db/seeds.rb": true, "db/seeds/shops.rb": true, "prisma/seed.ts": true,
		"tools/seed_shops.py": true, "database/seeders/ShopSeeder.php": true, "seeds/shops.sql": true,
		"src/seeds/service.ts": false, "app/models/seed.rb": false, "internal/seeding/store.go": false, "scripts/reseed.py": false, "db/queries.sql": false,
	} {
		used := analysis.Usage{Used: true, Sure: true}
		lowerSeedUses([]index.Use{{Path: path}}, &used)
		if used.Used == seed || used.Named != seed {
			t.Errorf("the use in %s is now %+v, want it lowered to named: %t", path, used, seed)
		}
	}
	both := analysis.Usage{Used: true}
	if lowerSeedUses([]index.Use{{Path: "db/seeds.rb"}, {Path: "app/models/shop.rb"}}, &both); !both.Used {
		t.Error("the application uses it, too")
	}
}
