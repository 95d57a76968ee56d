// Every key of the fact stands in its dimension.
for (const [name, { key }] of Object.entries(bank.dimensions)) {
  assert(`bank_fact_${name}_exists`, {
    tags: ["bank", "quality"],
    description: `Every ${key} of gold.bank_fact_bank_marketing stands in gold.bank_dim_${name}.`,
  }).query(
    (ctx) => `
select fact.registration_id, fact.${key}
from ${ctx.ref("gold", "bank_fact_bank_marketing")} as fact
left join ${ctx.ref("gold", `bank_dim_${name}`)} as dimension using (${key})
where dimension.${key} is null`,
  );
}
