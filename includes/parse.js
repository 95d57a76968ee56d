/**
 * SQL expressions that read text safely: what is not a value becomes NULL, never an error, on every PostgreSQL from 15 on
 * (`pg_input_is_valid` came with 16). Nested CASEs, because AND promises no order of evaluation.
 */

/** `31/12/1990` (day, month, year; leading zeros optional) as a date; NULL for `31/02/1990` and anything else. */
function date(text) {
  const [day, month, year] = [1, 2, 3].map((part) => `split_part(btrim(${text}), '/', ${part})::integer`);
  return `case when btrim(${text}) ~ '^(0?[1-9]|[12][0-9]|3[01])/(0?[1-9]|1[0-2])/(?!0000)[0-9]{4}$' then
    case when extract(month from make_date(${year}, ${month}, 1) + ${day} - 1) = ${month}
      then make_date(${year}, ${month}, ${day}) end end`;
}

/** `31/12/1990 23:59:58` as a timestamp without time zone; NULL for anything else. */
function timestamp(text) {
  const [day, time] = [1, 2].map((part) => `split_part(btrim(${text}), ' ', ${part})`);
  return `case when btrim(${text}) ~ '^[0-9/]+ ([01]?[0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$' then
    ${date(day)} + ${time}::time end`;
}

/** A whole number of up to nine digits (`56`, `-5`) as integer; NULL for anything else. */
function wholeNumber(text) {
  return `case when btrim(${text}) ~ '^-?[0-9]{1,9}$' then btrim(${text})::integer end`;
}

/** yes = 1, no = 0, anything else (`unknown`, blank) = NULL. */
function flag(text) {
  return `case lower(btrim(${text})) when 'yes' then 1::smallint when 'no' then 0::smallint end`;
}

module.exports = { date, timestamp, wholeNumber, flag };
