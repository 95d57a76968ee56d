/** What an offer's texts are made of. */
export interface Terms {
  /** As written: `1,5 GB`, `500 MB`. */
  readonly quota: string;
  readonly days: number;
}

/** The texts of an offer, in the order of the columns, price and validity apart. */
export type OfferTexts = readonly [
  packageName: string,
  commercialName: string,
  mainDetail: string,
  packageDescription: string | null,
  benefitDetail: string | null,
  benefitApp: string | null,
];

export interface Offer {
  readonly texts: OfferTexts;
  readonly validity: string | null;
}

/** Every rule of the product list about days, quota, category and type has an offer that meets it, and one that nearly does. */
const kinds: readonly ((terms: Terms) => Offer)[] = [
  ({ quota, days }) => ({
    texts: [
      `Freedom Internet ${quota}`,
      "Freedom",
      `Kuota utama ${quota}`,
      `Kuota utama ${quota}, berlaku ${days} hari`,
      "Kuota semua jaringan",
      null,
    ],
    validity: String(days),
  }),
  // Without description: the main detail stands for it.
  ({ quota, days }) => ({
    texts: [
      `Internet Hemat ${quota} ${days} days`,
      "Hemat",
      `${quota} untuk semua aplikasi`,
      null,
      null,
      null,
    ],
    validity: `${days} Hari`,
  }),
  ({ quota, days }) => ({
    texts: [
      `Combo Sakti ${quota} ${days} hari`,
      "Combo Sakti",
      `${quota} + 100 menit`,
      `Internet ${quota}, telepon 100 menit`,
      "100 menit, 100 SMS",
      "MAXstream",
    ],
    validity: String(days),
  }),
  ({ quota, days }) => ({
    texts: [
      `Keluarga ${quota}`,
      "Akrab L",
      `Kuota bersama ${quota}`,
      `Kuota bersama ${quota} untuk 4 anggota`,
      null,
      null,
    ],
    validity: String(days),
  }),
  ({ days }) => ({
    texts: [
      `Unlimited ${days}d`,
      "Unlimited",
      "Internet tanpa batas",
      "Tanpa batas, FUP 1,5 GB per hari",
      "Semua aplikasi",
      null,
    ],
    validity: null,
  }),
  ({ quota, days }) => ({
    texts: [
      `Asia Pass ${days} Days`,
      "Roaming",
      `${quota} di 12 negara`,
      `Roaming ${quota}, 12 negara`,
      "Singapura, Malaysia, Jepang",
      null,
    ],
    validity: String(days),
  }),
  ({ quota, days }) => ({
    texts: [
      `YouTube ${quota}`,
      "Apps",
      `Kuota YouTube ${quota}`,
      `Kuota ${quota} khusus YouTube`,
      null,
      "YouTube",
    ],
    validity: String(days),
  }),
  ({ quota, days }) => ({
    texts: [
      `Gamesmax ${quota}`,
      "Games",
      `Kuota games ${quota}`,
      `${quota} untuk Mobile Legends, Free Fire, PUBG`,
      "Skin gratis",
      "Mobile Legends",
    ],
    validity: `${days} days`,
  }),
  () => ({
    texts: [
      "Jawara Kuis 7 days",
      "Games",
      "Kuis harian",
      "Trivia Time, pulsa tiap hari",
      null,
      "Trivia Time",
    ],
    validity: "7",
  }),
  () => ({
    texts: ["Match Quiz 3 Days", "Games", "Kuis harian", "Trivia Time, pulsa tiap hari", null, "Trivia Time"],
    validity: "3",
  }),
  ({ quota, days }) => ({
    texts: [
      `Sosmed ${quota}`,
      "Apps",
      `Kuota chat ${quota}`,
      `${quota} WhatsApp, Facebook, Instagram, TikTok`,
      null,
      "WhatsApp",
    ],
    validity: String(days),
  }),
  ({ quota, days }) => ({
    texts: [
      `Internet Malam ${quota}`,
      "Malam",
      `${quota} pukul 00-06`,
      `Kuota malam ${quota}, 00-06`,
      "Kuota lokal 2 GB",
      null,
    ],
    validity: String(days),
  }),
  ({ quota, days }) => ({
    texts: [
      `Nonton ${quota}`,
      "Video Max",
      `Kuota video ${quota}`,
      `${quota} Klikfilm, Lionsgate, Viu, Vision Plus`,
      null,
      "Viu",
    ],
    validity: String(days),
  }),
  ({ days }) => ({
    texts: [
      `Nonton Kuis ${days} hari`,
      "Video Max",
      "Viu dan kuis",
      "Viu, trivia tiap hari 300 MB",
      null,
      "Viu",
    ],
    validity: null,
  }),
  () => ({
    texts: ["Genflix 7 days", "Video Max", "Film Indonesia", "Fun Services Genflix 2 GB", null, "Genflix"],
    validity: "7",
  }),
  () => ({
    texts: ["Genflix Susun Gambar", "Video Max", "Film dan permainan", "Fun Services 1 GB", null, "Genflix"],
    validity: "7",
  }),
  () => ({
    texts: ["Genflix PopGames", "Video Max", "Film dan permainan", "Fun Services 1 GB", null, "Genflix"],
    validity: "7",
  }),
  ({ quota, days }) => ({
    texts: [`Musik ${quota}`, "Music", `Kuota musik ${quota}`, `${quota} Spotify, Joox`, null, "Spotify"],
    validity: String(days),
  }),
  ({ quota }) => ({
    texts: [`Harian ${quota}`, "Harian", `${quota}, 24 jam`, `Kuota ${quota}, berlaku 24 jam`, null, null],
    validity: "24 jam",
  }),
  ({ quota }) => ({
    texts: [`Daily ${quota}`, "Harian", `${quota} for 24 hours`, `Data ${quota}, 24 hours`, null, null],
    validity: null,
  }),
  // No day count: a number before another word.
  ({ quota }) => ({
    texts: [
      `Super 5 Data ${quota}`,
      "Super",
      `${quota}, 5 data bonus`,
      `Kuota ${quota}, 5 data bonus`,
      null,
      null,
    ],
    validity: null,
  }),
  // The quota stands in the benefit only.
  ({ quota, days }) => ({
    texts: [
      `Paket Pelajar ${days} hari`,
      "Pelajar",
      "Untuk belajar",
      "Akses situs belajar",
      `Kuota ${quota}`,
      "Ruangguru",
    ],
    validity: String(days),
  }),
];

export function offer(draw: number, terms: Terms): Offer {
  const kind = kinds[draw % kinds.length];
  if (!kind) throw new RangeError("There is no kind of offer");
  return kind(terms);
}

/** How many kinds there are: as many products in a row have all of them. */
export const offerKinds = kinds.length;

export const quotas: readonly (readonly [text: string, gb: number])[] = [
  ["500 MB", 0.5],
  ["1 GB", 1],
  ["1,5 GB", 1.5],
  ["2.5GB", 2.5],
  ["3GB", 3],
  ["7 gb", 7],
  ["12 GB", 12],
  ["28 GB", 28],
  ["100 GB", 100],
];
export const durations: readonly number[] = [1, 3, 7, 14, 28, 30, 60, 90];
