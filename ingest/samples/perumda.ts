import { defineSample, type SampleRequest, type SampleTable } from "aquifer";
import { csvLine } from "./parts/csv-line.js";
import { Bills, type Row } from "./perumda/bills.js";
import { City, tariffs } from "./perumda/city.js";
import { CityEvents } from "./perumda/events.js";

/**
 * The operational database of a water company as it stands at the end of the last month, from 2021-01 on. 145,000 customers
 * are the real scale: 15 billion IDR and 2.8 million m3 a month. With one month more, customers have changed and late
 * payments of the months before have come.
 */
export const perumda = defineSample({
  name: "perumda",
  description:
    "Schema perumda of the operational database: customers, bills, payments, disconnections, complaints.",
  defaults: { customers: 400, months: 45 },
  *tables({ customers, months, seed }: SampleRequest): Generator<SampleTable> {
    const last = months - 1;
    const city = new City(seed, customers);
    const bills = new Bills(seed, city);
    const events = new CityEvents(seed, city, last);
    const numbers = (): Generator<number> => upTo(city.everBy(last));
    const table = (name: string, columns: SampleTable["columns"], rows: Iterable<Row>): SampleTable => ({
      connection: "perumda",
      table: `perumda.${name}`,
      columns,
      content: lines(rows),
    });
    yield table(
      "pelanggan",
      { kodepelanggan: "text", nama: "text", wilayah: "text", status: "text", kodegoltarif: "text" },
      each(numbers(), (number) => {
        const { code, name, region, status, tariff } = city.at(number, last);
        return [[code, name, region, status, tariff]];
      }),
    );
    yield table(
      "goltarif",
      { kodegoltarif: "text", namagoltarif: "text" },
      tariffs.map(([code, name]) => [code, name]),
    );
    yield table(
      "brek",
      { ...billKey, kodegoltarif: "text", tagihan: "numeric", pemakaian: "integer" },
      each(upTo(last, 0), (month) => each(upTo(city.everBy(month)), (number) => bills.brek(number, month))),
    );
    yield table(
      "trx",
      { ...billKey, jumlahbayar: "numeric", denda: "numeric", tglbayar: "date" },
      each(upTo(last, 0), (month) =>
        each(upTo(city.everBy(month)), (number) => bills.trx(number, month, last)),
      ),
    );
    yield table(
      "pemutusan",
      { kodepelanggan: "text", tglstk: "date", realisasistk: "text", tglbuka: "date" },
      each(numbers(), (number) => events.pemutusan(number)),
    );
    yield table(
      "pengaduan",
      { idpelanggan: "text", tgl: "timestamp", jnspengaduan: "text", tglselesai: "timestamp" },
      each(upTo(last, 0), (month) => events.pengaduan(month)),
    );
    yield table(
      "sbbaru",
      { kodecpelanggan: "text", tglreg: "date", jumlah: "numeric", realisasi: "text" },
      each(upTo(last, 0), (month) => events.sbbaru(month)),
    );
  },
});

const billKey = { kodepelanggan: "text", tahun: "integer", bulan: "integer" };

function* upTo(last: number, first = 1): Generator<number> {
  for (let number = first; number <= last; number++) yield number;
}

function* each<T>(numbers: Iterable<number>, rows: (number: number) => Iterable<T>): Generator<T> {
  for (const number of numbers) yield* rows(number);
}

function* lines(rows: Iterable<Row>): Generator<string> {
  for (const row of rows) yield csvLine(row, ",");
}
