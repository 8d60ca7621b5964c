package pgerror

// Types, casts and operators.
var (
	TypeExists              = Kind{"42710", `type "%s" already exists`}
	TypeMissing             = Kind{"42704", `type "%s" does not exist`}
	TypeUsed                = Kind{"0A000", `cannot alter type "%s" because column "%s.%s" uses it`}
	TypeOfTable             = Kind{"2BP01", `cannot alter type "%s" because it is the type of a typed table`}
	TypedMissingColumn      = Kind{"42804", `table is missing column "%s"`}
	TypedOtherColumn        = Kind{"42804", `table has column "%s" where type requires "%s"`}
	TypedOtherType          = Kind{"42804", `table "%s" has different type for column "%s"`}
	TypedExtraColumn        = Kind{"42804", `table has extra column "%s"`}
	NotDomain               = Kind{"42809", "%s is not a domain"}
	NotDomainNamed          = Kind{"42809", `"%s" is not a domain`}
	NotEnum                 = Kind{"42809", "%s is not an enum"}
	LabelExists             = Kind{"42710", `enum label "%s" already exists`}
	LabelMissing            = Kind{"22023", `"%s" is not an existing enum label`}
	DomainConstraintExists  = Kind{"42710", `constraint "%s" for domain "%s" already exists`}
	DomainConstraintMissing = Kind{"42704", `constraint "%s" of domain "%s" does not exist`}
	NoCast                  = Kind{"42846", "cannot cast type %s to %s"}
	NoAutomaticCast         = Kind{"42804", `column "%s" cannot be cast automatically to type %s`}
	NoAutomaticCastUsing    = Kind{"42804", `result of USING clause for column "%s" cannot be cast automatically to type %s`}
	NoOperator              = Kind{"42883", "operator does not exist: %s %s %s"}
	NoCollation             = Kind{"42804", "collations are not supported by type %s"}
)
