package catalog

import "github.com/onward-sql/onward/internal/pgparse"

// namedStatement folds the statements about objects of which only kind and name are kept.
// Any other statement is marked as not modelled.
func (f *fold) namedStatement(msg any) {
	plain := func(s string) Name { return Name{"", clipName(s)} }
	switch s := msg.(type) {
	case *pgparse.CreateExtensionStmt:
		f.createObject(&Object{Kind: "extension", Name: plain(s.GetExtname())}, false, s.GetIfNotExists())
	case *pgparse.AlterExtensionStmt:
		f.changeObject("extension", plain(s.GetExtname()), "version")
	case *pgparse.CreateEventTrigStmt:
		f.createObject(&Object{Kind: "event trigger", Name: plain(s.GetTrigname()), Detail: s.GetEventname()}, false, false)
	case *pgparse.AlterEventTrigStmt:
		f.changeObject("event trigger", plain(s.GetTrigname()), "enabled "+s.GetTgenabled())
	case *pgparse.CreateSubscriptionStmt:
		f.createObject(&Object{Kind: "subscription", Name: plain(s.GetSubname())}, false, false)
	case *pgparse.AlterSubscriptionStmt:
		f.changeObject("subscription", plain(s.GetSubname()), s.GetKind().String())
	case *pgparse.DropSubscriptionStmt:
		f.dropObject("subscription", plain(s.GetSubname()), s.GetMissingOk())
	case *pgparse.CreateFdwStmt:
		f.createObject(&Object{Kind: "foreign-data wrapper", Name: plain(s.GetFdwname())}, false, false)
	case *pgparse.AlterFdwStmt:
		f.changeObject("foreign-data wrapper", plain(s.GetFdwname()), "options")
	case *pgparse.CreateForeignServerStmt:
		f.createObject(&Object{Kind: "server", Name: plain(s.GetServername())}, false, s.GetIfNotExists())
	case *pgparse.AlterForeignServerStmt:
		f.changeObject("server", plain(s.GetServername()), "options")
	case *pgparse.CreateUserMappingStmt:
		f.createObject(&Object{Kind: "user mapping", Name: Name{s.GetServername(), roleName(s.GetUser())}}, false, s.GetIfNotExists())
	case *pgparse.AlterUserMappingStmt:
		f.changeObject("user mapping", Name{s.GetServername(), roleName(s.GetUser())}, "options")
	case *pgparse.DropUserMappingStmt:
		f.dropObject("user mapping", Name{s.GetServername(), roleName(s.GetUser())}, s.GetMissingOk())
	case *pgparse.CreateAmStmt:
		f.createObject(&Object{Kind: "access method", Name: plain(s.GetAmname())}, false, false)
	case *pgparse.CreatePLangStmt:
		f.createObject(&Object{Kind: "language", Name: plain(s.GetPlname())}, true, false)
	case *pgparse.CreateCastStmt:
		name := f.TypeOf(s.GetSourcetype()).String() + " → " + f.TypeOf(s.GetTargettype()).String()
		f.createObject(&Object{Kind: "cast", Name: Name{"", name}}, false, false)
	case *pgparse.CreateTransformStmt:
		name := f.TypeOf(s.GetTypeName()).String() + " → " + s.GetLang()
		f.createObject(&Object{Kind: "transform", Name: Name{"", name}}, s.GetReplace(), false)
	default:
		f.schemaStatement(msg)
	}
}

// schemaStatement folds those about objects that a schema holds.
func (f *fold) schemaStatement(msg any) {
	full := func(list []*pgparse.Node) Name {
		schema, n := pgparse.SchemaAndName(list)
		return f.nameFor(schema, n)
	}
	switch s := msg.(type) {
	case *pgparse.CreateConversionStmt:
		f.createObject(&Object{Kind: "conversion", Name: full(s.GetConversionName())}, false, false)
	case *pgparse.CreateOpClassStmt:
		name := full(s.GetOpclassname())
		name.Name += " " + s.GetAmname()
		f.createObject(&Object{Kind: "operator class", Name: name}, false, false)
	case *pgparse.CreateOpFamilyStmt:
		name := full(s.GetOpfamilyname())
		name.Name += " " + s.GetAmname()
		f.createObject(&Object{Kind: "operator family", Name: name}, false, false)
	case *pgparse.AlterOpFamilyStmt:
		name := full(s.GetOpfamilyname())
		name.Name += " " + s.GetAmname()
		f.changeObject("operator family", name, "members")
	case *pgparse.AlterOperatorStmt:
		schema, n := pgparse.SchemaAndName(s.GetOpername().GetObjname())
		f.changeObject("operator", f.nameFor(schema, n+f.argList(s.GetOpername().GetObjargs())), "options")
	case *pgparse.AlterCollationStmt:
		f.changeObject("collation", full(s.GetCollname()), "version")
	case *pgparse.AlterTSDictionaryStmt:
		f.changeObject("text search dictionary", full(s.GetDictname()), "options")
	case *pgparse.AlterTSConfigurationStmt:
		f.changeObject("text search configuration", full(s.GetCfgname()), "mappings")
	default:
		f.clusterStatement(msg)
	}
}

// clusterStatement folds statements about what all databases share.
func (f *fold) clusterStatement(msg any) {
	plain := func(s string) Name { return Name{"", clipName(s)} }
	switch s := msg.(type) {
	case *pgparse.CreateRoleStmt:
		f.createObject(&Object{Kind: "role", Name: plain(s.GetRole())}, false, false)
	case *pgparse.AlterRoleStmt:
		f.changeObject("role", plain(roleName(s.GetRole())), "options")
	case *pgparse.DropRoleStmt:
		for _, r := range s.GetRoles() {
			f.dropObject("role", plain(roleName(r.GetRoleSpec())), s.GetMissingOk())
		}
	case *pgparse.CreatedbStmt:
		f.createObject(&Object{Kind: "database", Name: plain(s.GetDbname())}, false, false)
	case *pgparse.AlterDatabaseStmt:
		f.changeObject("database", plain(s.GetDbname()), "options")
	case *pgparse.DropdbStmt:
		f.dropObject("database", plain(s.GetDbname()), s.GetMissingOk())
	case *pgparse.CreateTableSpaceStmt:
		f.createObject(&Object{Kind: "tablespace", Name: plain(s.GetTablespacename())}, false, false)
	case *pgparse.AlterTableSpaceOptionsStmt:
		f.changeObject("tablespace", plain(s.GetTablespacename()), "options")
	case *pgparse.DropTableSpaceStmt:
		f.dropObject("tablespace", plain(s.GetTablespacename()), s.GetMissingOk())
	case nil:
		// An empty statement.
	default:
		if !changesNothing(msg) {
			f.recordUnmodelled(statementName(msg))
		}
	}
}
