package index_test

import (
	"testing"
)

// A model has the columns of the classes that it extends, whatever file has these.
func TestBases(t *testing.T) {
	t.Parallel()
	const gorm = "package models\n\nimport \"gorm.io/gorm\"\n\n"
	for name, tc := range map[string]struct {
		files map[string]string
		want  string
	}{
		"GORM, of another file": {map[string]string{
			"m/user.go": gorm + "type User struct {\n\tBase\n\tName string\n}\n", "m/base.go": "package models\n\ntype Base struct {\n\tID int\n\tKind string\n}\n",
		}, "m/base.go:5"},
		"GORM, by a pointer with a tag": {map[string]string{
			"m/user.go": gorm + "type User struct {\n\t*Base `gorm:\"embedded\"` // all have it\n\tName string\n}\n", "m/base.go": "package models\n\ntype Base struct {\n\tID int\n\tKind string\n}\n",
		}, "m/base.go:5"},
		"GORM, of another package": {map[string]string{
			"m/user.go": gorm + "type User struct {\n\tshared.Base\n}\n", "lib/shared/base.go": "package shared\n\ntype Base struct {\n\tKind string\n}\n",
		}, "lib/shared/base.go:4"},
		"GORM, of a package with another name": {map[string]string{
			"m/user.go": "package m\n\nimport (\n\tbase \"shop/lib/shared\"\n\t\"gorm.io/gorm\"\n)\n\ntype User struct {\n\tbase.Base\n}\n", "lib/shared/base.go": "package shared\n\ntype Base struct {\n\tKind string\n}\n",
		}, "lib/shared/base.go:4"},
		"GORM, of its own package, not another": {map[string]string{
			"m/user.go": gorm + "type User struct {\n\tBase\n}\n", "lib/shared/base.go": "package shared\n\ntype Base struct {\n\tKind string\n}\n",
		}, ""},
		"GORM, named": {map[string]string{
			"m/user.go": gorm + "type Sort struct {\n\tKind string\n}\n\ntype User struct {\n\tName string\n\tOf Sort `gorm:\"embedded\"`\n}\n",
		}, "m/user.go:6"},
		"GORM, with a prefix": {map[string]string{
			"m/user.go": gorm + "type Person struct {\n\tOf Sort `gorm:\"embedded;embeddedPrefix:ki\"`\n}\n\nfunc (Person) TableName() string { return \"users\" }\n", "m/sort.go": "package models\n\ntype Sort struct {\n\tNd string\n}\n",
		}, "m/sort.go:4"},
		"GORM, with another prefix": {map[string]string{
			"m/user.go": gorm + "type Person struct {\n\tOf Sort `gorm:\"embedded;embeddedPrefix:of_\"`\n}\n\nfunc (Person) TableName() string { return \"users\" }\n", "m/sort.go": "package models\n\ntype Sort struct {\n\tKind string\n}\n",
		}, ""},
		"GORM, a field that is a row of another table": {map[string]string{
			"m/user.go": gorm + "type Person struct {\n\tOf Sort\n}\n\nfunc (Person) TableName() string { return \"users\" }\n", "m/sort.go": "package models\n\ntype Sort struct {\n\tKind string\n}\n",
		}, ""},
		"GORM, left": {map[string]string{
			"m/user.go": gorm + "type User struct {\n\tBase\n}\n\ntype Base struct {\n\tKind string `gorm:\"-\"`\n}\n",
		}, ""},
		"a model by what it embeds": {map[string]string{
			"m/user.go": "package models\n\ntype User struct {\n\tBase\n\tKind string\n}\n", "m/base.go": gorm + "type Base struct {\n\tgorm.Model\n}\n",
		}, "m/user.go:5"},
		"by way of a second one": {map[string]string{
			"m/user.go": "package models\n\ntype User struct {\n\tOwned\n\tKind string\n}\n", "m/owned.go": "package models\n\ntype Owned struct {\n\tBase\n\tOwner int\n}\n", "m/base.go": gorm + "type Base struct {\n\tgorm.Model\n}\n",
		}, "m/user.go:5"},
		"no model by what it embeds": {map[string]string{
			"m/user.go": "package models\n\ntype User struct {\n\tBase\n\tKind string\n}\n", "m/base.go": "package models\n\ntype Base struct {\n\tID int\n}\n",
		}, ""},
		"GORM's own, by a pointer": {map[string]string{
			"m/user.go": gorm + "type Person struct {\n\tOf Sort `gorm:\"embedded;embeddedPrefix:k\"`\n}\n\nfunc (Person) TableName() string { return \"users\" }\n\n" +
				"type Sort struct {\n\t*gorm.Model\n\tInd string\n}\n",
		}, "m/user.go:13"},
		"bun": {map[string]string{
			"m/user.go": "package m\n\ntype P struct {\n\tbun.BaseModel `bun:\"table:users\"`\n\tBase\n}\n", "m/base.go": "package m\n\ntype Base struct {\n\tKind string `bun:\"kind\"`\n}\n",
		}, "m/base.go:4"},
		"bun, with a prefix": {map[string]string{
			"m/user.go": "package m\n\ntype P struct {\n\tbun.BaseModel `bun:\"table:users\"`\n\tOf Sort `bun:\"embed:ki\"`\n}\n", "m/base.go": "package m\n\ntype Sort struct {\n\tND string\n}\n",
		}, "m/base.go:4"},
		"sqlx": {map[string]string{
			"m/user.go": "package m\n\ntype User struct {\n\tBase\n\tName string `db:\"name\"`\n}\n", "m/base.go": "package m\n\ntype Base struct {\n\tSort string `db:\"kind\"`\n}\n",
		}, "m/base.go:4"},
		"TypeORM": {map[string]string{
			"a/user.ts": "@Entity('users')\nexport class Person extends Base {\n  @Column()\n  name: string;\n}\n", "lib/base.ts": "export abstract class Base {\n" +
				"  @Column({ name: 'kind' })\n  sort: string;\n}\n",
		}, "lib/base.ts:3"},
		"TypeORM, by way of a second one": {map[string]string{
			"a/user.ts": "@Entity('users')\nexport class Person extends Owned<string> implements Named {\n  @Column()\n  name: string;\n}\n",
			"b.ts":      "export abstract class Owned<T> extends Base {\n  @Column() owner: T;\n}\n\nexport class Base {\n  @CreateDateColumn()\n  kind: Date;\n}\n",
		}, "b.ts:7"},
		"TypeORM, of another": {map[string]string{
			"a/user.ts": "@Entity('users')\nexport class Person {\n  @Column()\n  name: string;\n}\n\nexport class User extends Base {\n  name: string;\n}\n", "lib/base.ts": "export abstract class Base {\n  @Column()\n  kind: string;\n}\n",
		}, ""},
		"MikroORM": {map[string]string{
			"a/user.ts": "@Entity({ tableName: 'users' })\nexport class Person extends Base {\n  @Property()\n  name: string;\n}\n", "lib/base.ts": "export abstract class Base {\n  @Property()\n  kind = 1;\n}\n",
		}, "lib/base.ts:3"},
		"a class of another language": {map[string]string{
			"a/user.ts": "@Entity('users')\nexport class Person extends Base {\n  @Column()\n  name: string;\n}\n", "base.py": "class Base(object):\n" +
				"    kind = Column(String)\n\nclass T(Base, Model):\n    __tablename__ = 'teams'\n",
		}, ""},
		"itself": {map[string]string{
			"m/user.go": gorm + "type User struct {\n\t*User\n}\n", "m/other.go": "package m\n\ntype A struct {\n\t*A\n}\n",
		}, ""},
	} {
		checkColumn(t, name, tc.files, users, "kind", tc.want)
	}
	for want, code := range map[string]string{
		"m/user.go:8":  "type User struct {\n\t*gorm.Model\n}\n",
		"m/user.go:12": "type User struct {\n\tBase\n}\n\ntype Base struct {\n\tgorm.Model\n}\n",
	} {
		if got := places(bound(t, map[string]string{"m/user.go": "package models\n\nimport (\n\t\"gorm.io/gorm\"\n)\n\n" + code}).Column(users, "id")); got != want {
			t.Errorf("%s: %q, want %q", code, got, want)
		}
	}
}
