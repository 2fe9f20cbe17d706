// The pictures of the documentation, taken of what scripts/screenshots plays. Each waits for what it is about to show; a page that has an error makes none.

import { PHONE, walk } from './browser.mjs';

const PAGE = { width: 1280, height: 800 };
const view = (w, name) => w.shot(name, { full: false });

// A plot is drawn when its canvas is not blank any more.
async function plotsStand(w) {
  await w.page.locator('canvas').first().waitFor();
  await w.page.waitForFunction(() =>
    [...document.querySelectorAll('canvas')].every((one) =>
      one
        .getContext('2d')
        .getImageData(0, 0, one.width, one.height)
        .data.some((v) => v > 0),
    ),
  );
}

async function overview(w, name) {
  await w.go('/overview');
  await w.heading('Overview');
  await w.page.locator('.trouble-row').first().waitFor();
  await plotsStand(w);
  await view(w, name);
}

async function trouble(w) {
  await w.go('/endpoints/harbour-bank/core');
  await w.heading('Core banking');
  await plotsStand(w);
  await view(w, 'endpoint');
}

async function message(w) {
  await w.go('/events/nordic-parcel/evt-7731');
  await w.heading('Message 7731');
  const line = w.page.getByRole('list', { name: 'What happened, from first to last' });
  await line.getByText('attempt 2').waitFor();
  await view(w, 'message');
}

async function template(w) {
  await w.go('/templates?project=nordic-parcel&endpoint=warehouse');
  await w.heading('Template editor');
  await w.page.getByText('renders').waitFor();
  await w.expecting(/422/, async () => {
    await w.page
      .getByLabel('Body', { exact: true })
      .fill('{\n  "parcel": {ID},\n  "to": "{RECIPIENT}",\n  "text": "{CONTNT}"\n}');
    await w.page.getByText('{CONTNT} is no metric').waitFor();
    await view(w, 'template');
  });
}

async function services(w) {
  await w.go('/services');
  await w.heading('Services');
  await w.page.getByText('Move an appointment').waitFor();
  await view(w, 'services');
}

async function conversation(w, given) {
  await w.go(`/contacts/riverside-clinic/${given.contact}`);
  await w.heading('Ingrid Lindqvist');
  await w.page.getByText('Your insurance card').waitFor();
  await view(w, 'conversation');
}

walk(async ({ given, open, step }) => {
  const desk = await open({ size: PAGE });
  await step('log in', () => desk.login());
  await step('overview', () => overview(desk, 'overview'));
  await step('an endpoint in trouble', () => trouble(desk));
  await step('a message', () => message(desk));
  await step('the template editor', () => template(desk));
  const clinic = await open({ size: PAGE });
  await clinic.login();
  await clinic.page.evaluate(() => sessionStorage.setItem('postrider.project', 'riverside-clinic'));
  await clinic.page.reload();
  await step('services', () => services(clinic));
  await step('a conversation', () => conversation(clinic, given));
  const night = await open({ size: PAGE, dark: true });
  await night.login();
  await step('overview in the dark', () => overview(night, 'overview-dark'));
  const phone = await open({ size: PHONE });
  await phone.login();
  await step('overview on a phone', () => overview(phone, 'phone'));
});
