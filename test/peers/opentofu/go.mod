module hardkey/test/peers/opentofu

go 1.24.13

require github.com/opentofu/opentofu v1.10.10

// As OpenTofu's own go.mod has it, which does not count where OpenTofu is a dependency.
replace github.com/hashicorp/hcl/v2 v2.20.1 => github.com/opentofu/hcl/v2 v2.20.2-0.20251021132045-587d123c2828
