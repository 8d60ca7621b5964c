package sql_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/sql"
)

// Which directories of Flyway's are one location.
func TestFlywayLocations(t *testing.T) {
	t.Parallel()
	const at = "src/main/resources/db/migration"
	for _, tt := range []struct{ name, files, settings, want string }{
		{"by years", "2023/V1__a 2023/V2__b 2024/V3__c", "", at + " deep"},
		{"by years, a version twice", "2023/V1__a 2024/V1__c", "", at + " deep"},
		{"by releases and above", "V1__a v1.2/V2__b v1.10/V3__c", "", at + " deep"},
		{"by parts", "users/V1__a users/V3__c orders/V2__b", "", at + " deep"},
		{"views", "V1__a V2__b views/R__v", "", at + " deep"},
		{"with callbacks", "V1__a V2__b callbacks/afterMigrate", "", at},
		{"by tenants", "tenant/V1__a tenant/V2__b master/V1__a master/V2__c", "", at + "/master, " + at + "/tenant"},
		{"of another database", "postgresql/V1__a postgresql/V2__b h2/V1__a h2/V2__b", "", at + "/h2, " + at + "/postgresql"},
		{"of a kind of deployment", "V1__a V2__b dev/V100__seed dev/V101__seed", "", at + ", " + at + "/dev"},
		{"configured", "users/V1__a users/V3__c audit/V2__b audit/V4__d", "spring.flyway.locations=classpath:db/migration/users", at + "/audit, " + at + "/users"},
		{"configured by vendor", "a/V1__a a/V3__c b/V2__b b/V4__d", "spring.flyway.locations=classpath:db/migration/{vendor}", at + "/a, " + at + "/b"},
		{"configured as it is", "2023/V1__a 2024/V2__b", "spring.flyway.locations=classpath:db/migration", at + " deep"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{"src/main/resources/application.properties": "# flyway\n" + tt.settings + "\n"}
			for f := range strings.FieldsSeq(tt.files) {
				files[at+"/"+f+".sql"] = "SELECT 1;\n"
			}
			var got []string
			for _, s := range (sql.Adapter{}).Detect(adaptertest.Text(files)) {
				got = append(got, s.Dir+map[bool]string{true: " deep"}[s.Deep])
			}
			slices.Sort(got)
			if s := strings.Join(got, ", "); s != tt.want {
				t.Errorf("%s, not %s", s, tt.want)
			}
		})
	}
}
